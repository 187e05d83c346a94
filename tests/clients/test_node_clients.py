"""ethers, viem and web3.js, as they come from their makers, against the daemon."""

import json
import subprocess
from typing import Any

import pytest

from tests.outside import node_package, tool
from tests.rpc.node import ALICE, BOB, hexed, transfer
from tests.running import Daemon
from txpool.chain.dev_accounts import dev_accounts
from txpool.core.keccak import keccak

pytestmark = pytest.mark.client

ACCOUNTS = dev_accounts()
RECIPIENT = "0x" + "ee" * 20
POOR_KEY = "0x" + "11" * 32


def key(number: int) -> str:
    return "0x" + ACCOUNTS[number].private_key.hex()


def run(package: str, script: str, *arguments: str) -> Any:  # noqa: ANN401 - JSON is whatever the script says
    ran = subprocess.run(
        [tool("node"), str(node_package(package) / script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize(("package", "account"), [("ethers", 2), ("viem", 3)])
def test_a_transfer_ends_with_a_receipt_and_is_found_in_its_block(mining: Daemon, package: str, account: int) -> None:
    outcome = run(package, f"{package}_send.mjs", mining.url, key(account), RECIPIENT)

    assert outcome.pop("hash").startswith("0x")
    assert outcome == {
        "status": 1,
        "gasUsed": 21_000,
        "minedIn": True,
        "inBlock": True,
        "received": str(10**18),
        "nonce": 1,
    }


def test_ethers_knows_the_refusals_by_their_words(holding: Daemon) -> None:
    assert run("ethers", "ethers_refused.mjs", holding.url, key(0), POOR_KEY, RECIPIENT) == {
        "first": "accepted",
        "underpriced": "REPLACEMENT_UNDERPRICED",
        "spent": "NONCE_EXPIRED",
        "broke": "INSUFFICIENT_FUNDS",
    }


@pytest.mark.parametrize("package", ["ethers", "viem"])
def test_pending_transactions_are_told_live_in_order_and_none_is_lost(holding: Daemon, package: str) -> None:
    raws = [transfer(sender, nonce) for nonce in range(30) for sender in (ALICE, BOB)]

    told = run(package, f"{package}_watch.mjs", holding.ws, *map(hexed, raws))

    assert told == [hexed(keccak(raw)) for raw in raws]


def test_web3js_sends_waits_and_hears_of_pending_transactions(mining: Daemon) -> None:
    outcome = run("web3", "web3_send.mjs", mining.url, mining.ws, key(6), RECIPIENT)

    assert [each["status"] for each in outcome["sent"]] == [1, 1, 1]
    assert outcome["told"] == [each["hash"] for each in outcome["sent"]]
