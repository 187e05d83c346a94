"""web3.py, as it comes from its makers, against the daemon."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.outside import python_package
from tests.rpc.node import ALICE, BOB, hexed, transfer
from tests.running import Daemon
from txpool.chain.dev_accounts import dev_accounts
from txpool.core.address import checksum_address
from txpool.core.keccak import keccak

python_package("web3")

from eth_account import Account  # noqa: E402 - only where web3 is installed
from web3 import AsyncIPCProvider, AsyncWeb3, Web3, WebSocketProvider  # noqa: E402
from web3.exceptions import TimeExhausted, Web3RPCError  # noqa: E402
from web3.middleware import SignAndSendRawMiddlewareBuilder  # noqa: E402

if TYPE_CHECKING:
    from eth_typing import ChecksumAddress

pytestmark = pytest.mark.client

ACCOUNTS = dev_accounts()
RECIPIENT = Web3.to_checksum_address("0x" + "3b" * 20)
WAIT_SECONDS = 20
POLL_SECONDS = 0.05


def connect(daemon: Daemon) -> Web3:
    web3 = Web3(Web3.HTTPProvider(daemon.url))
    assert web3.is_connected()
    return web3


def test_a_signed_transfer_ends_with_a_receipt(mining: Daemon) -> None:
    web3 = connect(mining)
    account = Account.from_key(ACCOUNTS[4].private_key)
    transfer = {
        "to": RECIPIENT,
        "value": Web3.to_wei(1, "ether"),
        "gas": 21_000,
        "maxFeePerGas": Web3.to_wei(5, "gwei"),
        "maxPriorityFeePerGas": Web3.to_wei(1, "gwei"),
        "nonce": web3.eth.get_transaction_count(account.address, "pending"),
        "chainId": web3.eth.chain_id,
    }

    sent = web3.eth.send_raw_transaction(account.sign_transaction(transfer).raw_transaction)
    receipt = web3.eth.wait_for_transaction_receipt(sent, WAIT_SECONDS, POLL_SECONDS)

    assert receipt["status"] == 1
    assert receipt["gasUsed"] == 21_000
    assert web3.eth.get_transaction(sent)["blockNumber"] == receipt["blockNumber"]


def test_the_signing_middleware_fills_in_what_is_missing(mining: Daemon) -> None:
    web3 = connect(mining)
    account = Account.from_key(ACCOUNTS[5].private_key)
    web3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)
    before = web3.eth.get_balance(RECIPIENT)

    sender: ChecksumAddress = account.address
    sent = web3.eth.send_transaction({"from": sender, "to": RECIPIENT, "value": Web3.to_wei(2, "ether")})
    receipt = web3.eth.wait_for_transaction_receipt(sent, WAIT_SECONDS, POLL_SECONDS)

    assert receipt["status"] == 1
    assert web3.eth.get_balance(RECIPIENT) - before == 2 * 10**18


def test_a_pending_transaction_is_found_and_has_no_receipt_yet(holding: Daemon) -> None:
    web3 = connect(holding)
    account = Account.from_key(ACCOUNTS[0].private_key)
    transfer = {"to": RECIPIENT, "value": 1, "gas": 21_000, "gasPrice": 2 * 10**9, "nonce": 0, "chainId": 1337}

    sent = web3.eth.send_raw_transaction(account.sign_transaction(transfer).raw_transaction)

    assert web3.eth.get_transaction(sent)["blockNumber"] is None
    assert web3.eth.get_transaction_count(account.address, "pending") == 1
    assert web3.eth.get_transaction_count(account.address, "latest") == 0
    with pytest.raises(TimeExhausted):
        web3.eth.wait_for_transaction_receipt(sent, timeout=0.2, poll_latency=POLL_SECONDS)
    assert list(web3.geth.txpool.content()["pending"]) == [checksum_address(ACCOUNTS[0].address)]


def test_a_refusal_arrives_in_geths_words(holding: Daemon) -> None:
    web3 = connect(holding)
    poor = Account.from_key(b"\x11" * 32)
    transfer = {"to": RECIPIENT, "value": 1, "gas": 21_000, "gasPrice": 2 * 10**9, "nonce": 0, "chainId": 1337}

    with pytest.raises(Web3RPCError, match=r"insufficient funds for gas \* price \+ value: balance 0, tx cost"):
        web3.eth.send_raw_transaction(poor.sign_transaction(transfer).raw_transaction)


def test_a_transfer_over_the_unix_socket_ends_with_a_receipt(mining: Daemon) -> None:
    web3 = Web3(Web3.IPCProvider(mining.ipc))
    account = Account.from_key(ACCOUNTS[7].private_key)
    nonce = web3.eth.get_transaction_count(account.address)
    transfer = {"to": RECIPIENT, "value": 1, "gas": 21_000, "gasPrice": 2 * 10**9, "nonce": nonce, "chainId": 1337}

    sent = web3.eth.send_raw_transaction(account.sign_transaction(transfer).raw_transaction)

    assert web3.eth.wait_for_transaction_receipt(sent, WAIT_SECONDS, POLL_SECONDS)["status"] == 1


@pytest.mark.parametrize("carrier", ["ipc", "ws"])
def test_pending_transactions_are_told_live_in_order_and_none_is_lost(holding: Daemon, carrier: str) -> None:
    raws = [transfer(sender, nonce) for nonce in range(30) for sender in (ALICE, BOB)]
    provider = AsyncIPCProvider(holding.ipc) if carrier == "ipc" else WebSocketProvider(holding.ws)

    async def watch() -> list[str]:
        told: list[str] = []
        async with asyncio.timeout(WAIT_SECONDS), AsyncWeb3(provider) as web3:
            await web3.eth.subscribe("newPendingTransactions")
            for raw in raws:
                await web3.eth.send_raw_transaction(raw)
            async for message in web3.socket.process_subscriptions():
                told.append(hexed(bytes(message["result"])))
                if len(told) == len(raws):
                    break
        return told

    assert asyncio.run(watch()) == [hexed(keccak(raw)) for raw in raws]
