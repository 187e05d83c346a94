"""What is done beside the service, and what becomes of the service when it breaks."""

import asyncio
import json

import pytest

from tests.rpc.loop import Client, run, until
from tests.rpc.node import ALICE, call, hexed, transfer
from txpool.config import Address, Settings
from txpool.config.sections import DevSettings, HttpSettings, IpcSettings, MetricsSettings, StoreSettings, WsSettings
from txpool.daemon.chores import Chores
from txpool.daemon.service import Daemon

FREE = Address("127.0.0.1", 0)
SETTINGS = Settings(
    store=StoreSettings(limit_bytes=8 << 20),
    dev=DevSettings(period=0.05),
    http=HttpSettings(listen=FREE),
    metrics=MetricsSettings(listen=FREE),
    ws=WsSettings(listen=Address("", 0)),
    ipc=IpcSettings(path="off"),
)
NOT_PROCESSED = 4


def test_a_block_that_breaks_stops_the_daemon_in_order_and_who_waits_is_answered() -> None:
    async def story() -> None:
        daemon = Daemon(SETTINGS)
        try:
            serving = asyncio.create_task(daemon.run(asyncio.Event()))
            listeners = daemon._rpc.http._listeners
            await until(lambda: bool(listeners))
            client = await Client.to(listeners[0].sockets[0].getsockname())
            client.post(json.dumps(call("eth_sendRawTransactionSync", hexed(transfer(ALICE, 5)))))
            await until(lambda: daemon._node.pool.counts().queued == 1)

            def breaks(_events: range) -> None:
                raise RuntimeError("a bug")

            daemon._node.on_events = breaks

            assert (await client.read()).json["error"]["code"] == NOT_PROCESSED
            assert await client.ended()
            await client.close()
            with pytest.raises(ExceptionGroup) as broken:
                await serving
            assert broken.group_contains(RuntimeError, match="a bug")
        finally:
            daemon.close()

    run(story())


def test_one_that_breaks_has_the_others_stopped_and_one_that_ends_does_not() -> None:
    async def breaks() -> None:
        await asyncio.sleep(0)
        raise RuntimeError("a bug")

    async def ends() -> None:
        await asyncio.sleep(0)

    async def story() -> None:
        told = asyncio.Event()
        chores = Chores(told)
        await chores.see_to(ends)
        assert not told.is_set()
        await chores.see_to(breaks)
        assert told.is_set()
        assert [str(each) for each in chores.broken] == ["a bug"]

    run(story())
