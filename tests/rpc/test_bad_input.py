"""Bad input, each kind once: the answer is go-ethereum's, and the next request is served as if nothing had been."""

import asyncio
import json
from typing import Final

import pytest

from tests.rpc.loop import Client, run
from tests.rpc.node import ALICE, BOB, GWEI, Node, call, hexed, send, text, transfer

VALID: Final = transfer()
FUNDS: Final = "insufficient funds for gas * price + value"

REFUSED: Final = {
    "trailing bytes": (VALID + b"\x00", "rlp: input contains more than one value"),
    "truncated": (VALID[:-1], "rlp: value size exceeds available input length"),
    "empty": (b"", "typed transaction too short"),
    "unknown type": (b"\x05\xc0", "transaction type not supported"),
    "131073 bytes": (
        transfer(data=bytes(131_073 - 117), gas=16_000_000, fee_cap=2 * GWEI),
        "oversized data: transaction size 131073, limit 131072",
    ),
    "bad signature": (VALID[:-32] + b"\xff" * 32, "invalid sender: invalid transaction v, r, s values"),
    "wrong chain id": (transfer(chain_id=1), "invalid sender: invalid chain id for signer: have 1 want 1337"),
    "unprotected": (
        transfer(type=0, chain_id=None),
        "only replay-protected (EIP-155) transactions allowed over RPC",
    ),
    "too dear": (
        transfer(fee_cap=10**15),
        "tx fee (21.00 ether) exceeds the configured cap (1.00 ether)",
    ),
    "too little gas": (transfer(gas=20_999), "intrinsic gas too low: gas 20999, minimum needed 21000"),
    "tip over fee": (
        transfer(tip_cap=101 * GWEI),
        "max priority fee per gas higher than max fee per gas",
    ),
    "no funds": (
        transfer(value=10**22),
        f"{FUNDS}: balance 10000000000000000000000, tx cost 10000002100000000000000, overshot 2100000000000000",
    ),
}


async def goes_on(client: Client) -> bool:
    """Whether a plain transaction is taken."""
    return await client.result("eth_sendRawTransaction", hexed(transfer(BOB))) is not None


@pytest.mark.parametrize("kind", REFUSED)
def test_a_bad_transaction_is_refused_in_geths_words(kind: str) -> None:
    raw, message = REFUSED[kind]

    async def scene() -> None:
        async with Node() as node:
            client = await node.client()
            answer = await client.call("eth_sendRawTransaction", hexed(raw))
            assert answer == {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": message}}
            assert await goes_on(client)

    run(scene())


def test_a_nonce_that_is_used_is_refused() -> None:
    async def scene() -> None:
        async with Node() as node:
            client = await node.client()
            await client.result("eth_sendRawTransaction", hexed(VALID))
            await client.result("dev_mine")
            answer = await client.call("eth_sendRawTransaction", hexed(transfer(ALICE, 0, value=2)))
            assert answer["error"] == {"code": -32000, "message": "nonce too low: next nonce 1, tx nonce 0"}
            assert await goes_on(client)

    run(scene())


BODIES: Final = {
    "empty": ("", None),
    "truncated JSON": (json.dumps(send(VALID))[:-5], -32700),
    "1001 items": (text(*[call("eth_chainId")] * 1001), -32600),
    "unknown method": (json.dumps(call("eth_noSuchMethod")), -32601),
    "bad hex": (json.dumps(call("eth_sendRawTransaction", "0xzz")), -32602),
    "no hex": (json.dumps(call("eth_sendRawTransaction", VALID.hex())), -32602),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_bad_body_is_answered_with_its_code(kind: str) -> None:
    body, code = BODIES[kind]

    async def scene() -> None:
        async with Node() as node:
            client = await node.client()
            answer = await client.ask(body)
            assert answer.status == 200
            if code is None:
                assert answer.body == b""
            else:
                first = answer.json[0] if isinstance(answer.json, list) else answer.json
                assert first["error"]["code"] == code
            assert await goes_on(client)

    run(scene())


def test_bad_http_is_answered_with_its_status() -> None:
    async def scene() -> None:
        async with Node() as node:
            large, slow, wrong = [await node.client() for _ in range(3)]
            large.post(bytes(6 * 1024 * 1024))
            answer = await large.read()
            assert (answer.status, answer.body) == (413, b"content length too large (6291456>5242880)\n")
            slow.send(b"POST / HTTP/1.1\r\nHost: loc")
            wrong.send(b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
            assert (await wrong.read()).status == 405
            await asyncio.sleep(0)
            node.server.sweep(node.server.now + 10.5)
            assert (await slow.read()).status == 408
            assert await goes_on(await node.client())

    run(scene())
