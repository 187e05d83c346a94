"""What geth answered, recorded, asked of a daemon of ours: each scenario from its first line on, to the letter."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.oracle.verdict_table import README, written
from tests.outside import shared
from tests.running import running
from tests.stores.kinds import KINDS, store_of
from txpool.history.digest import digest
from txpool.history.input_log import read_entries, replay

SEEDS: Final = range(1, 9)
MOST_TYPES: Final = 4  # a scenario with every type of transaction, and short
OTHER_STORES: Final = ("cache", "heap", "untracked")
ON_OTHER_STORES: Final = [
    pytest.param(seed, store, marks=() if seed == MOST_TYPES else pytest.mark.matrix)
    for store in OTHER_STORES
    for seed in SEEDS
]
EVENTS: Final = 1 << 18
QUICKLY: Final = ("--gap-ms", "0", "--head-gap-ms", "0")  # our pool has settled when it answers

# Our settings by what a scenario's first line calls them.
POOL: Final = {
    "pricelimit": "price_limit",
    "pricebump": "price_bump",
    "accountslots": "account_slots",
    "globalslots": "global_slots",
    "accountqueue": "account_queue",
    "globalqueue": "global_queue",
}


def options_of(meta: dict[str, Any]) -> list[str]:
    """The command line of a daemon as the scenario needs it."""
    genesis = shared(f"oracle/{meta.get('genesis', 'genesis.json')}")
    settings = {f"pool.{POOL[name]}": number for name, number in meta["pool"].items()} | {
        "pool.blob_price_bump": meta["blob_pricebump"],
        "rpc.tx_fee_cap_ether": meta["rpc_txfeecap_ether"],
        "rpc.allow_unprotected": str(meta["allow_unprotected"]).lower(),
        "dev.initial_blocks": 1,
    }
    flags = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    return ["--dev", "--dev-period", "0", "--genesis", str(genesis), *flags]


def replayed(seed: int, *options: str) -> str:
    """What the replay printed, its differences and the counts."""
    scenario = shared(f"oracle/seed-{seed}.jsonl.gz")
    with gzip.open(scenario, "rt") as lines:
        meta = json.loads(lines.readline())
    with running(*options_of(meta), *options) as daemon:
        command = [sys.executable, str(shared("oracle/replay.py")), "--url", daemon.url, "--level", "exact", *QUICKLY]
        ran = subprocess.run([*command, str(scenario)], capture_output=True, text=True, check=False)
        held = daemon.call("dev_check")
    assert held, "the pool agrees with itself at the end"
    return ran.stdout + ran.stderr


@pytest.mark.parametrize("seed", SEEDS)
def test_every_answer_is_geths(seed: int) -> None:
    printed = replayed(seed)

    assert printed.rstrip().endswith(" passed, 0 failed"), printed


@pytest.mark.parametrize(("seed", "store"), ON_OTHER_STORES)
def test_the_store_makes_no_difference(seed: int, store: str) -> None:
    printed = replayed(seed, "--store", store)

    assert printed.rstrip().endswith(" passed, 0 failed"), printed


@pytest.mark.matrix
@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_scenario_gave_the_pool_gives_the_same_events_on_every_store(seed: int, tmp_path: Path) -> None:
    log = tmp_path / "inputs"
    replayed(seed, "--set", f"data.input_log={log}", "--set", f"events.capacity={EVENTS}")

    digests = {}
    for kind in KINDS:
        with store_of(kind) as store:
            pool = replay(read_entries(log), store)
            pool.check()
        assert pool.events.first_seq == 0, "all events are still there"
        digests[kind] = (pool.events.next_seq, digest(pool.events.since(0)))

    assert len(set(digests.values())) == 1, digests
    assert digests["mmap"][0] > 100, "something happened"


def test_the_readmes_tables_of_refusals_are_what_was_recorded() -> None:
    readme = README.read_text()

    assert written(readme) == readme, "python -m tests.oracle.verdict_table writes them anew"
