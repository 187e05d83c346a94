"""cast, as it comes from its makers, against the daemon."""

import json
import subprocess

import pytest

from tests.outside import tool
from tests.running import Daemon
from txpool.chain.dev_accounts import dev_accounts
from txpool.core.signature import sign
from txpool.core.unsigned import Unsigned

pytestmark = pytest.mark.client

RICH, OTHER = dev_accounts()[:2]
RECIPIENT = "0x" + "c0" * 20


def cast(daemon: Daemon, *words: str) -> str:
    ran = subprocess.run(
        [tool("cast"), *words, "--rpc-url", daemon.url], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_cast_send_ends_by_itself_with_a_receipt(mining: Daemon) -> None:
    key = "0x" + RICH.private_key.hex()

    receipt = json.loads(cast(mining, "send", "--private-key", key, RECIPIENT, "--value", "1ether", "--json"))

    assert receipt["status"] == "0x1"
    assert receipt["gasUsed"] == "0x5208"
    assert int(cast(mining, "balance", RECIPIENT)) >= 10**18


def test_cast_send_of_a_legacy_transaction_ends_too(mining: Daemon) -> None:
    key = "0x" + RICH.private_key.hex()

    receipt = json.loads(cast(mining, "send", "--legacy", "--private-key", key, RECIPIENT, "--value", "1", "--json"))

    assert receipt["status"] == "0x1"
    assert receipt["type"] == "0x0"


def test_cast_publish_brings_a_signed_transaction_into_a_block(mining: Daemon) -> None:
    nonce = int(cast(mining, "nonce", "0x" + OTHER.address.hex()))
    raw = sign(
        Unsigned(
            type=2, chain_id=1337, nonce=nonce, fee_cap=5 * 10**9, tip_cap=10**9, gas=21_000, to=bytes(20), value=1
        ),
        OTHER.private_key,
    )

    receipt = json.loads(cast(mining, "publish", "0x" + raw.hex()))

    assert receipt["status"] == "0x1"
    assert int(cast(mining, "nonce", "0x" + OTHER.address.hex())) == nonce + 1


def test_cast_tx_pool_shows_what_is_pending(holding: Daemon) -> None:
    key = "0x" + RICH.private_key.hex()
    sent = cast(holding, "send", "--async", "--private-key", key, RECIPIENT, "--value", "1ether")

    status = json.loads(cast(holding, "tx-pool", "status"))
    content = json.loads(cast(holding, "tx-pool", "content"))
    inspected = json.loads(cast(holding, "tx-pool", "inspect"))

    assert {name: int(str(count), 0) for name, count in status.items()} == {"pending": 1, "queued": 0}
    by_sender = {address.lower(): by_nonce for address, by_nonce in content["pending"].items()}
    assert by_sender["0x" + RICH.address.hex()]["0"]["hash"] == sent
    assert {address.lower() for address in inspected["pending"]} == {"0x" + RICH.address.hex()}


def test_cast_asks_for_client_chain_and_fees(mining: Daemon) -> None:
    assert cast(mining, "client").startswith("txpool/")
    assert cast(mining, "chain-id") == "1337"
    assert int(cast(mining, "gas-price")) > 0
    assert int(cast(mining, "base-fee")) > 0
    assert int(cast(mining, "block-number")) >= 0


def test_cast_shows_the_pools_refusal_in_geths_words(mining: Daemon) -> None:
    poor = "0x" + "11" * 32

    ran = subprocess.run(
        [
            *(tool("cast"), "send", "--rpc-url", mining.url, "--private-key", poor, RECIPIENT, "--value", "1ether"),
            *("--gas-limit", "21000", "--gas-price", "2000000000", "--priority-gas-price", "1", "--nonce", "0"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ran.returncode != 0
    assert "insufficient funds for gas * price + value: balance 0, tx cost" in ran.stderr
