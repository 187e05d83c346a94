"""A daemon on the dev chain for each way of mining, shared by the tests of outside clients."""

from collections.abc import Iterator

import pytest

from tests.running import Daemon, running


@pytest.fixture(scope="package")
def mining() -> Iterator[Daemon]:
    """A daemon that mines when something is pending."""
    with running("--dev") as daemon:
        yield daemon


@pytest.fixture
def holding() -> Iterator[Daemon]:
    """A daemon that mines on demand only, so that what is pending stays so."""
    with running("--dev", "--dev-period", "0") as daemon:
        yield daemon
