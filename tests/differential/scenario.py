"""Scenarios as files, in the format of the recorded ones: the first line says where it plays, then a step a line.

Beside `NAME.jsonl` lies `NAME-genesis.json`. The accounts' keys are not in it: the steps hold what was signed.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.differential.duel import Step
from tests.differential.peer import Json
from tests.differential.setting import CHAIN_ID, Limits, Owner, Setting

VOLATILE = ["blockHash", "blockTimestamp"]


class Scenario(NamedTuple):
    """What a file says."""

    setting: Setting
    steps: list[Step]


def write(path: Path, title: str, client: str, setting: Setting, steps: Sequence[Step]) -> None:
    """Write a scenario, with geth's answers in its steps, and its genesis."""
    genesis = json.dumps(setting.genesis(), indent=1)
    genesis_path = path.with_name(path.stem + "-genesis.json")
    genesis_path.write_text(genesis)
    limits = setting.limits
    meta = {
        "kind": "meta",
        "format": 1,
        "title": title,
        "client": client,
        "chain_id": CHAIN_ID,
        "genesis": genesis_path.name,
        "genesis_sha256": hashlib.sha256(genesis.encode()).hexdigest(),
        "volatile": VOLATILE,
        "flags": ["--txpool.nolocals", *limits.flags()],
        "pool": {
            name.replace("_", ""): value
            for name, value in limits._asdict().items()
            if name not in {"tx_fee_cap_ether", "allow_unprotected"}
        },
        "blob_pricebump": 100,
        "rpc_txfeecap_ether": limits.tx_fee_cap_ether,
        "allow_unprotected": limits.allow_unprotected,
        "steps": len(steps),
        "tags": dict(Counter(step["tag"] for step in steps)),
    }
    path.write_text("".join(json.dumps(line) + "\n" for line in (meta, *steps)))


def read(path: Path) -> Scenario:
    """Read a scenario that `write` has written."""
    meta, *steps = [json.loads(line) for line in path.read_text().splitlines()]
    pool: dict[str, Json] = meta["pool"]
    limits = Limits(
        **{name: pool[name.replace("_", "")] for name in Limits._fields if name.replace("_", "") in pool},
        tx_fee_cap_ether=meta["rpc_txfeecap_ether"],
        allow_unprotected=meta["allow_unprotected"],
    )
    genesis = json.loads(path.with_name(meta["genesis"]).read_text())
    owners = [
        Owner(
            b"",
            bytes.fromhex(address),
            int(account.get("nonce", "0x0"), 16),
            int(account["balance"], 16),
            bytes.fromhex(account.get("code", "0x")[2:]),
        )
        for address, account in genesis["alloc"].items()
    ]
    return Scenario(Setting(owners, limits, int(genesis["gasLimit"], 16)), steps)
