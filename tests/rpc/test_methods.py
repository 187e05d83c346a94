"""What each method answers, on a real pool and dev chain."""

import platform
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from tests.rpc.loop import Client, run
from tests.rpc.node import ALICE, BOB, CAROL, GWEI, KEYS, STRANGER, Node, hexed, transfer
from txpool.core.address import checksum_address
from txpool.core.signature import keccak, sign_authorization

ALICE_SHOWN: Final = checksum_address(ALICE)
ZERO_HASH: Final = "0x" + "00" * 32
PLACE: Final = ("blockHash", "blockNumber", "blockTimestamp", "transactionIndex")


def on_a_node(scene: Callable[[Client, Node], Awaitable[None]]) -> Callable[[], None]:
    """Run a scene with a client of a fresh node."""

    async def with_node() -> None:
        async with Node() as node:
            await scene(await node.client(), node)

    def test() -> None:
        run(with_node())

    return test


def with_a_client(scene: Callable[[Client], Awaitable[None]]) -> Callable[[], None]:
    """Run a scene with nothing but a client."""
    return on_a_node(lambda client, _node: scene(client))


async def sent(client: Client, *raws: bytes) -> list[str]:
    return [await client.result("eth_sendRawTransaction", hexed(raw)) for raw in raws]


# --- sending


@on_a_node
async def test_a_transaction_is_answered_with_its_hash(client: Client, node: Node) -> None:
    raw = transfer()
    assert await client.result("eth_sendRawTransaction", hexed(raw)) == hexed(keccak(raw))
    assert node.pool.counts().pending == 1


@on_a_node
async def test_refusals_are_errors_of_one_code_without_data(client: Client, node: Node) -> None:
    poor = transfer(value=10**30)
    answer = await client.call("eth_sendRawTransaction", hexed(poor))
    assert answer["error"]["code"] == -32000
    assert answer["error"]["message"].startswith("insufficient funds for gas * price + value: balance ")
    assert "data" not in answer["error"]
    assert node.pool.counts().pending == 0


@on_a_node
async def test_a_notification_is_carried_out_in_silence(client: Client, node: Node) -> None:
    body = f'{{"jsonrpc":"2.0","method":"eth_sendRawTransaction","params":["{hexed(transfer())}"]}}'
    assert (await client.ask(body)).body == b""
    assert node.pool.counts().pending == 1


# --- looking into the pool


@with_a_client
async def test_a_pooled_transaction_shows_no_place(client: Client) -> None:
    (tx_hash,) = await sent(client, transfer(fee_cap=7 * GWEI))
    shown = await client.result("eth_getTransactionByHash", tx_hash)
    assert [shown[name] for name in PLACE] == [None] * 4
    assert shown["gasPrice"] == shown["maxFeePerGas"] == hex(7 * GWEI)
    assert shown["from"] == hexed(ALICE)
    assert list(shown)[:5] == ["blockHash", "blockNumber", "blockTimestamp", "from", "gas"]
    assert list(shown)[-4:] == ["v", "r", "s", "yParity"]


@on_a_node
async def test_a_mined_transaction_shows_its_place_and_what_it_paid(client: Client, node: Node) -> None:
    (tx_hash,) = await sent(client, transfer(fee_cap=7 * GWEI, tip_cap=2))
    base_fee = node.pool.head.next_base_fee
    await client.result("dev_mine")
    shown = await client.result("eth_getTransactionByHash", tx_hash)
    block = await client.result("eth_getBlockByNumber", "latest", True)
    assert [shown["blockHash"], shown["blockNumber"], shown["transactionIndex"]] == [block["hash"], "0x2", "0x0"]
    assert shown["gasPrice"] == hex((base_fee or 0) + 2)
    assert block["transactions"] == [shown]


@with_a_client
async def test_each_type_shows_the_members_that_it_has(client: Client) -> None:
    access = ((BOB, (bytes(32),)),)
    lent = (sign_authorization(1337, STRANGER, 0, KEYS[CAROL]),)
    price: dict[str, Any] = {"fee_cap": 3 * GWEI, "tip_cap": 3 * GWEI, "gas": 100_000}
    hashes = await sent(
        client,
        transfer(nonce=0, type=0, **price),
        transfer(nonce=1, type=1, access_list=access, **price),
        transfer(nonce=2, type=2, to=None, data=b"\x00", **price),
        transfer(nonce=3, type=4, authorizations=lent, **price),
    )
    legacy, listed, created, lending = [await client.result("eth_getTransactionByHash", each) for each in hashes]
    assert not {"yParity", "accessList", "maxFeePerGas"} & set(legacy)
    assert legacy["chainId"] == "0x539"
    assert listed["accessList"] == [{"address": hexed(BOB), "storageKeys": [ZERO_HASH]}]
    assert not {"maxFeePerGas", "authorizationList"} & set(listed)
    assert (created["to"], created["input"], created["accessList"]) == (None, "0x00", [])
    assert [each["address"] for each in lending["authorizationList"]] == [hexed(STRANGER)]
    assert [each["type"] for each in (legacy, listed, created, lending)] == ["0x0", "0x1", "0x2", "0x4"]


@with_a_client
async def test_what_is_unknown_is_null_or_empty(client: Client) -> None:
    assert await client.result("eth_getTransactionByHash", ZERO_HASH) is None
    assert await client.result("eth_getTransactionReceipt", ZERO_HASH) is None
    assert await client.result("eth_getRawTransactionByHash", ZERO_HASH) == "0x"
    assert await client.result("eth_getBlockByHash", ZERO_HASH, True) is None
    assert await client.result("eth_getBlockByNumber", "0x3e8", True) is None
    assert await client.result("eth_getBlockTransactionCountByNumber", "0x3e8") is None
    assert await client.result("eth_getBlockReceipts", "0x3e8") is None


@with_a_client
async def test_the_bytes_of_a_transaction_come_back_pooled_and_mined(client: Client) -> None:
    raw = transfer()
    (tx_hash,) = await sent(client, raw)
    assert await client.result("eth_getRawTransactionByHash", tx_hash) == hexed(raw)
    await client.result("dev_mine")
    assert await client.result("eth_getRawTransactionByHash", tx_hash) == hexed(raw)


@with_a_client
async def test_the_count_with_pending_is_the_pools_and_ignores_gaps(client: Client) -> None:
    await sent(client, transfer(nonce=0), transfer(nonce=1), transfer(nonce=5))
    owner = hexed(ALICE)
    assert await client.result("eth_getTransactionCount", owner, "pending") == "0x2"
    assert await client.result("eth_getTransactionCount", owner, "latest") == "0x0"
    assert await client.result("eth_getTransactionCount", owner) == "0x0"
    await client.result("dev_mine")
    for which in ("latest", "pending", "0x2", {"blockNumber": "0x2"}):
        assert await client.result("eth_getTransactionCount", owner, which) == "0x2", which
    assert await client.result("eth_getTransactionCount", owner, "0x1") == "0x0"
    assert await client.result("eth_getTransactionCount", hexed(BOB), "pending") == "0x0"


@with_a_client
async def test_the_pool_shows_itself_by_sender_and_nonce(client: Client) -> None:
    await sent(client, *(transfer(nonce=nonce) for nonce in (0, 1, 2, 10, 12)), transfer(BOB, to=None, gas=60_000))
    assert await client.result("txpool_status") == {"pending": "0x4", "queued": "0x2"}
    content = await client.result("txpool_content")
    assert list(content) == ["pending", "queued"]
    assert list(content["pending"]) == sorted([ALICE_SHOWN, checksum_address(BOB)])
    assert list(content["queued"]) == [ALICE_SHOWN]
    assert list(content["queued"][ALICE_SHOWN]) == ["10", "12"]
    assert content["pending"][ALICE_SHOWN]["2"]["nonce"] == "0x2"
    own = await client.result("txpool_contentFrom", hexed(ALICE))
    assert own == {name: content[name][ALICE_SHOWN] for name in ("pending", "queued")}
    lines = await client.result("txpool_inspect")
    to = checksum_address(STRANGER)
    assert lines["queued"][ALICE_SHOWN]["10"] == f"{to}: 1 wei + 21000 gas \N{MULTIPLICATION SIGN} 100000000000 wei"
    assert lines["pending"][checksum_address(BOB)]["0"] == (
        "contract creation: 1 wei + 60000 gas \N{MULTIPLICATION SIGN} 100000000000 wei"
    )


@with_a_client
async def test_nonces_stand_in_the_order_of_their_text(client: Client) -> None:
    await sent(client, *(transfer(nonce=nonce) for nonce in range(12)))
    content = await client.result("txpool_contentFrom", hexed(ALICE))
    assert list(content["pending"]) == ["0", "1", "10", "11", *"23456789"]


@with_a_client
async def test_an_empty_pool_shows_two_empty_halves(client: Client) -> None:
    for method in ("txpool_content", "txpool_inspect"):
        assert await client.result(method) == {"pending": {}, "queued": {}}
    assert await client.result("txpool_contentFrom", hexed(ALICE)) == {"pending": {}, "queued": {}}
    assert await client.result("eth_pendingTransactions") == []


# --- blocks


@with_a_client
async def test_blocks_are_found_by_number_tag_and_hash(client: Client) -> None:
    await sent(client, transfer())
    assert await client.result("dev_mine", 3) == "0x4"
    assert await client.result("eth_blockNumber") == "0x4"
    second = await client.result("eth_getBlockByNumber", "0x2", False)
    assert await client.result("eth_getBlockByHash", second["hash"], False) == second
    for tag, number in (
        ("earliest", "0x0"),
        ("latest", "0x4"),
        ("pending", "0x4"),
        ("safe", "0x4"),
        ("finalized", "0x4"),
    ):
        block = await client.result("eth_getBlockByNumber", tag, False)
        assert block["number"] == number
    assert await client.result("eth_getBlockTransactionCountByNumber", "0x2") == "0x1"
    assert await client.result("eth_getBlockTransactionCountByHash", second["hash"]) == "0x1"
    assert list(second) == sorted(second), "geth writes a block's members in alphabetical order"


@on_a_node
async def test_a_receipt_tells_what_a_transaction_did(client: Client, node: Node) -> None:
    (tx_hash,) = await sent(client, transfer(tip_cap=5))
    base_fee = node.pool.head.next_base_fee or 0
    await client.result("dev_mine")
    receipt = await client.result("eth_getTransactionReceipt", tx_hash)
    assert (receipt["status"], receipt["gasUsed"], receipt["logs"]) == ("0x1", "0x5208", [])
    assert receipt["effectiveGasPrice"] == hex(base_fee + 5)
    assert (receipt["contractAddress"], receipt["to"]) == (None, hexed(STRANGER))
    assert await client.result("eth_getBlockReceipts", "latest") == [receipt]
    assert list(receipt) == sorted(receipt)


@with_a_client
async def test_a_reorg_gives_back_what_its_blocks_held(client: Client) -> None:
    (tx_hash,) = await sent(client, transfer())
    await client.result("dev_mine")
    assert await client.result("dev_reorg", 1) == "0x3"
    shown = await client.result("eth_getTransactionByHash", tx_hash)
    assert shown["blockHash"] is None
    assert await client.result("eth_getTransactionReceipt", tx_hash) is None
    assert await client.result("txpool_status") == {"pending": "0x1", "queued": "0x0"}


@with_a_client
async def test_levers_out_of_reach_are_refused(client: Client) -> None:
    refused = await client.call("dev_reorg", 99)
    assert refused["error"]["code"] == -32000
    assert "99" in refused["error"]["message"]
    assert (await client.call("dev_mine", 0))["error"]["code"] == -32000
    assert (await client.call("dev_mine", 10**6))["error"]["code"] == -32000


# --- accounts and calls


@with_a_client
async def test_accounts_are_shown_as_any_kept_block_left_them(client: Client) -> None:
    stranger = hexed(STRANGER)
    await sent(client, transfer(value=7))
    await client.result("dev_mine")
    assert await client.result("eth_getBalance", stranger) == "0x7"
    assert await client.result("eth_getBalance", stranger, "0x1") == "0x0"
    assert await client.result("eth_getCode", stranger, "latest") == "0x"
    assert await client.result("eth_getStorageAt", stranger, "0x0", "latest") == ZERO_HASH
    assert (await client.call("eth_getBalance", stranger, "0x99"))["error"] == {
        "code": -32000,
        "message": "header not found",
    }
    missing = await client.call("eth_getBalance", stranger, {"blockHash": ZERO_HASH})
    assert missing["error"] == {"code": -32000, "message": "header for hash not found"}


@pytest.mark.parametrize(
    ("call", "gas"),
    [
        ({}, 53_000),
        ({"to": hexed(BOB)}, 21_000),
        ({"to": hexed(BOB), "data": "0x00"}, 21_010),
        ({"to": hexed(BOB), "input": "0x" + "ff" * 100}, 25_000),
        ({"to": hexed(BOB), "accessList": [{"address": hexed(BOB), "storageKeys": [ZERO_HASH]}]}, 25_300),
        ({"to": hexed(BOB), "gasPrice": "0x1", "accessList": [{"address": hexed(BOB)}]}, 23_400),
        ({"to": hexed(BOB), "authorizationList": [{}]}, 46_000),
        ({"data": "0x00"}, 53_018 - 12),
        ({"from": hexed(ALICE), "to": hexed(BOB), "value": "0x1", "gas": "0x5208", "nonce": "0x0"}, 21_000),
    ],
)
def test_an_estimate_is_what_the_transaction_must_bring(call: dict[str, Any], gas: int) -> None:
    async def scene() -> None:
        async with Node() as node:
            assert await (await node.client()).result("eth_estimateGas", call) == hex(gas)

    run(scene())


@with_a_client
async def test_an_estimate_looks_at_the_purse(client: Client) -> None:
    call = {"from": hexed(STRANGER), "to": hexed(BOB), "value": "0x1"}
    refused = await client.call("eth_estimateGas", call)
    assert refused["error"] == {"code": -32000, "message": "insufficient funds for transfer"}


@with_a_client
async def test_a_call_that_meets_no_code_returns_nothing(client: Client) -> None:
    assert await client.result("eth_call", {"to": hexed(BOB), "data": "0x1234"}, "latest") == "0x"
    assert (await client.call("eth_call", {"data": "0x00"}))["error"]["code"] == -32000
    both = await client.call("eth_call", {"to": hexed(BOB), "data": "0x01", "input": "0x02"})
    assert both["error"]["code"] == -32602


# --- fees


@on_a_node
async def test_the_gas_price_is_base_fee_and_a_tip(client: Client, node: Node) -> None:
    tip = int(await client.result("eth_maxPriorityFeePerGas"), 16)
    head = node.pool.head
    assert int(await client.result("eth_gasPrice"), 16) == (head.base_fee or 0) + tip
    assert await client.result("eth_baseFee") == hex(head.next_base_fee or 0)
    assert await client.result("eth_blobBaseFee") == "0x1"


@on_a_node
async def test_the_fee_history_goes_one_block_further_than_it_was_asked(client: Client, node: Node) -> None:
    await sent(client, transfer(tip_cap=3))
    await client.result("dev_mine", 4)
    history = await client.result("eth_feeHistory", "0x3", "0x3", [20.0, 50])
    assert history["oldestBlock"] == "0x1"
    assert history["reward"] == [["0x0", "0x0"], ["0x3", "0x3"], ["0x0", "0x0"]]
    assert len(history["baseFeePerGas"]) == len(history["baseFeePerBlobGas"]) == 4
    assert history["gasUsedRatio"][1] == 21_000 / node.pool.head.gas_limit
    assert "reward" not in await client.result("eth_feeHistory", 1, "latest")
    assert await client.result("eth_feeHistory", "0x0", "latest", []) == {"oldestBlock": "0x0", "gasUsedRatio": None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("0x1", "0x9", []), "request beyond head block: requested 9, head 1"),
        (("0x1", "latest", [101]), "invalid reward percentile: 101.000000"),
        (("0x1", "latest", [5, 5]), "invalid reward percentile: #0:5.000000 >= #1:5.000000"),
        (("0x1", "latest", list(range(101))), "invalid reward percentile: over the query limit 100"),
    ],
)
def test_a_fee_history_that_cannot_be_is_refused(arguments: tuple[object, ...], message: str) -> None:
    async def scene() -> None:
        async with Node() as node:
            answer = await (await node.client()).call("eth_feeHistory", *arguments)
            assert answer["error"] == {"code": -32000, "message": message}

    run(scene())


# --- the server about itself


@with_a_client
async def test_the_server_tells_about_itself(client: Client) -> None:
    told = {
        "eth_chainId": "0x539",
        "net_version": "1337",
        "net_listening": True,
        "net_peerCount": "0x0",
        "eth_syncing": False,
        "eth_accounts": [],
        "rpc_modules": dict.fromkeys(("dev", "eth", "net", "pool", "rpc", "txpool", "web3"), "1.0"),
    }
    for method, result in told.items():
        assert await client.result(method) == result, method
    assert await client.result("eth_getLogs", {"fromBlock": "0x0"}) == []
    hello = "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8"
    assert await client.result("web3_sha3", "0x68656c6c6f") == hello
    system = f"linux-{platform.machine()}/python{platform.python_version()}"
    assert await client.result("web3_clientVersion") == f"txpool/v0.1.0/{system}"
