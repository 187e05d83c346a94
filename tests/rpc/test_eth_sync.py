"""Who waits for a receipt while the server stops."""

import asyncio

from tests.rpc.loop import run
from tests.rpc.node import Node, transfer
from txpool.ingest.batch import Reply
from txpool.ingest.settings import Busy
from txpool.rpc.errors import RpcError
from txpool.rpc.eth_sync import NOT_PROCESSED, SyncSends


def test_one_that_is_judged_when_the_server_stops_already_does_not_wait() -> None:
    async def story() -> None:
        async with Node() as node:
            late: list[tuple[bytes, Reply]] = []

            class Door:
                """Lets in when it is told to: the head is moving."""

                def offer(self, raw: bytes, reply: Reply) -> Busy | None:
                    late.append((raw, reply))
                    return None

            sends = SyncSends(Door(), node.pool, node.chain)
            sent = asyncio.ensure_future(sends.methods()["eth_sendRawTransactionSync"].run(transfer(), None))
            await asyncio.sleep(0)
            sends.close()
            node.ingest.offer(*late.pop())
            answer = await asyncio.wait_for(sent, timeout=5)

            assert isinstance(answer, RpcError)
            assert answer.code == NOT_PROCESSED

    run(story())
