"""How a server fares, told to people."""

import pytest

from tests.daemon.test_memory_guard import HARD, SOFT, Scene
from tests.rpc.loop import run
from txpool.client.fares import describe_fares
from txpool.client.jsonrpc import Json


def told(pressure: str) -> Json:
    return {"enabled": False, "memory": {"pressure": pressure}, "moves": []}


def test_people_read_of_memory_what_the_daemon_logs(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        it = Scene()
        await it.hold(SOFT)
        await it.hold(HARD)

    run(scene())

    shown = [line for pressure in ("soft", "hard") for line in describe_fares(told(pressure))]
    assert shown == [record.getMessage().replace("memory: ", "memory    ") for record in caplog.records]
    assert describe_fares(told("none")) == []
