"""As many connections as the settings let in need as many descriptors."""

import logging
import resource
from collections.abc import Iterator

import pytest

from tests.running import running
from txpool.config import Address, Settings
from txpool.config.sections import HttpSettings, IpcSettings, WsSettings
from txpool.daemon.descriptors import raise_limit, warn_if_few

OFF = Address("", 0)
HTTP_ONLY = Settings(http=HttpSettings(connections_max=1000), ws=WsSettings(listen=OFF), ipc=IpcSettings(path="off"))
TOO_FEW = (
    "only 1127 files may be open, and http.connections_max = 1000 may take 1128 with the daemon's own: "
    "raise the limit (LimitNOFILE, ulimit -n) or lower these"
)


@pytest.fixture
def few() -> Iterator[int]:
    """A soft limit below the hard one, which it tells."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_soft_limit_becomes_the_hard_one(few: int) -> None:
    assert raise_limit() == few
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (few, few)


def test_a_daemon_has_the_descriptors_that_it_may_have(few: int) -> None:
    with running("--dev") as daemon:
        assert resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE) == (few, few)


def test_too_few_for_the_connections_that_are_let_in_are_told_of_with_the_settings(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)

    warn_if_few(HTTP_ONLY, 1128)
    warn_if_few(HTTP_ONLY, resource.RLIM_INFINITY)
    assert caplog.records == []

    warn_if_few(HTTP_ONLY, 1127)
    assert [record.getMessage() for record in caplog.records] == [TOO_FEW]


def test_every_listener_that_is_on_counts(caplog: pytest.LogCaptureFixture) -> None:
    warn_if_few(Settings(), 1024)

    (record,) = caplog.records
    for section in ("http", "ws", "ipc"):
        assert f"{section}.connections_max = 4096" in record.getMessage()
