"""sd_notify against a socket of our own; against a real manager: tests/deploy."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from txpool.systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """A service manager's ear, in either namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify") if request.param == "path" else f"\0txpool-test-{os.getpid()}")
        ear.settimeout(5)
        yield ear


@pytest.fixture
def notifier(manager: socket.socket) -> Iterator[Notifier]:
    name = manager.getsockname()
    spelled = "@" + name[1:].decode() if isinstance(name, bytes) else name
    notifier = Notifier({"NOTIFY_SOCKET": spelled})
    yield notifier
    notifier.close()


def test_each_message_is_one_datagram_of_fields(manager: socket.socket, notifier: Notifier) -> None:
    notifier.need_more_time(1.5)
    notifier.ready("serving")
    notifier.status("7 pending")
    notifier.alive()
    notifier.unhealthy("check failed")
    notifier.stopping("draining")

    assert [manager.recv(4096) for _ in range(6)] == [
        b"EXTEND_TIMEOUT_USEC=1500000",
        b"READY=1\nSTATUS=serving",
        b"STATUS=7 pending",
        b"WATCHDOG=1",
        b"WATCHDOG=trigger\nSTATUS=check failed",
        b"STOPPING=1\nSTATUS=draining",
    ]


def test_a_line_break_in_a_status_cannot_smuggle_in_a_field(manager: socket.socket, notifier: Notifier) -> None:
    notifier.status("fine\nSTOPPING=1")

    assert manager.recv(4096) == b"STATUS=fine STOPPING=1"


def test_without_a_service_manager_messages_go_nowhere() -> None:
    notifier = Notifier({})

    notifier.ready("serving")
    notifier.close()

    assert notifier.watchdog_seconds is None


def test_a_manager_that_went_away_stops_nothing(manager: socket.socket, notifier: Notifier) -> None:
    manager.close()

    notifier.alive()


def test_a_manager_that_does_not_read_never_blocks_the_daemon(manager: socket.socket, notifier: Notifier) -> None:
    for _ in range(5_000):
        notifier.alive()

    assert manager.recv(4096) == b"WATCHDOG=1"


def test_after_close_messages_go_nowhere(manager: socket.socket, notifier: Notifier) -> None:
    notifier.close()
    notifier.ready("too late")

    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(4096)


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": str(os.getpid())}, 2.5),
        ({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_watchdog_interval_counts_only_for_the_process_it_names(
    environment: dict[str, str], seconds: float | None
) -> None:
    assert Notifier(environment).watchdog_seconds == seconds
