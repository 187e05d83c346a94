"""Each store grows to a million resident transactions, in a process of its own: pauses, heap, resident bytes.

    python -m bench stores [--resident 1000000] [--senders N] [--repeats N] [--only NAME ...] [--json [FILE]]

Beside the four stores stand plain objects with raised thresholds (50 000, 20, 1 000: `heap-raised`), and with all
frozen that was there before the first transaction (`heap-frozen`). The same transfers, by the same pool, in batches of
100; the collector is on. Repeats are interleaved, and each figure is the median of its repeats.

Pauses are counted in the same way for all: CPU time of the thread from before the first to after the last of
`gc.callbacks`, every collection that came by itself while growing; the full collection that is asked for at the end
stands apart. Full ones are rare, so a P99 over all collections falls among the young ones and says nothing of them: the
percentiles are given for each generation, too. There is no server here, whose own objects would set off collections
beside the store's: where a store adds nothing that is tracked, none may come at all.

Heap is what is in use in blocks of Python's allocator and by malloc, less what the empty pool took; a slab arena is not
in it, but is in the resident bytes. What the whole process takes includes some 25 MB for interpreter and modules, which
count for less the more is resident.
"""

import argparse
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from bench.json_option import add_json, tell_json
from bench.pauses import Pauses
from bench.store_growth import VARIANTS, Growth

Reading = Callable[[Growth], float]

ROWS: Final[Mapping[str, Reading]] = MappingProxyType(
    {
        "collections": lambda growth: growth.pauses["all"].count,
        "of them full": lambda growth: growth.pauses["2"].count,
        "longest pause, CPU ms": lambda growth: growth.pauses["all"].longest,
        "all pauses, CPU ms": lambda growth: growth.pauses["all"].total,
        "longest pause, wall ms": lambda growth: growth.wall_pauses.longest,
        "all pauses, wall ms": lambda growth: growth.wall_pauses.total,
        "P99 of all, CPU ms": lambda growth: growth.pauses["all"].p99,
        "P99 of generation 0": lambda growth: growth.pauses["0"].p99,
        "P99 of generation 1": lambda growth: growth.pauses["1"].p99,
        "P99 of generation 2": lambda growth: growth.pauses["2"].p99,
        "full collection at the end, CPU ms": lambda growth: growth.full_ms,
        "those after it": lambda growth: growth.full_again_ms,
        "the same when empty": lambda growth: growth.full_empty_ms,
        "tracked objects added": lambda growth: growth.tracked,
        "allocated blocks a transaction": lambda growth: growth.blocks / growth.resident,
        "heap bytes a transaction": lambda growth: growth.heap_bytes / growth.resident,
        "resident bytes a transaction": lambda growth: growth.resident_bytes / growth.resident,
        "pool CPU us a transaction": lambda growth: growth.cpu_us,
    }
)


class Claim(msgspec.Struct, frozen=True):
    """What the study says, as a ratio of two stores' figures: `at_least`, or else at most, `bound`."""

    says: str
    read: Reading
    bound: float
    at_least: bool = False

    def judged(self, mmap: Growth, heap: Growth) -> str:
        """The claim, what was measured, and whether that is so."""
        ours, theirs = self.read(mmap), self.read(heap)
        if self.at_least:
            if not ours:
                return f"{self.says}: {theirs:.1f} to none at all, at least {self.bound:g} times: {_met(theirs > 0)}"
            ratio = theirs / ours
            return f"{self.says}: {ratio:.1f} times, at least {self.bound:g}: {_met(ratio >= self.bound)}"
        share = ours / theirs
        return f"{self.says}: {share:.1%}, at most {self.bound:.0%}: {_met(share <= self.bound)}"


CLAIMS: Final = (
    Claim("longest pause, heap to mmap", lambda growth: growth.pauses["all"].longest, 30, at_least=True),
    Claim("all pauses, heap to mmap", lambda growth: growth.pauses["all"].total, 30, at_least=True),
    Claim("heap bytes, mmap of heap", lambda growth: growth.heap_bytes, 0.32),
    Claim("heap bytes of the whole process, mmap of heap", lambda growth: growth.heap_bytes_all, 0.32),
    Claim("resident bytes, mmap of heap", lambda growth: growth.resident_bytes, 0.70),
    Claim("resident bytes of the whole process, mmap of heap", lambda growth: growth.resident_bytes_all, 0.70),
)


def _met(holds: object) -> str:
    return "holds" if holds else "does not hold"


def run(variant: str, resident: int, senders: int) -> Growth:
    """Grow one in a process of its own."""
    command = [sys.executable, "-m", "bench.store_growth", variant, str(resident), str(senders)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{variant}: {ran.stderr}"
    return msgspec.json.decode(ran.stdout, type=Growth)


def measure(variants: Sequence[str], resident: int, senders: int, repeats: int) -> dict[str, list[Growth]]:
    """All runs by variant, one of each before the second of any."""
    runs: dict[str, list[Growth]] = {variant: [] for variant in variants}
    for _ in range(repeats):
        for variant in variants:
            runs[variant].append(run(variant, resident, senders))
    return runs


def middle(runs: Sequence[Growth]) -> Growth:
    """One growth whose every figure is the median of those figures."""
    return msgspec.convert(_medians([msgspec.to_builtins(each) for each in runs]), Growth, strict=False)


def _medians(values: Sequence[object]) -> object:
    first = values[0]
    if isinstance(first, dict):
        return {key: _medians([each[key] for each in values if isinstance(each, dict)]) for key in first}
    if isinstance(first, int):
        return round(statistics.median(value for value in values if isinstance(value, int)))
    if isinstance(first, float):
        return statistics.median(value for value in values if isinstance(value, float))
    return first


def show(growths: Mapping[str, Growth]) -> None:
    """Print a column for each, the pauses by generation, and what becomes of the claims."""
    width = max(12, *map(len, growths)) + 2
    print(f"{'':36}" + "".join(f"{name:>{width}}" for name in growths))
    for row, read in ROWS.items():
        print(f"{row:36}" + "".join(f"{read(growth):{width},.2f}" for growth in growths.values()))
    print("\ncollections that came by themselves: count, total, median, P99, longest, CPU ms")
    for name, growth in growths.items():
        for generation, pauses in growth.pauses.items():
            if pauses.count:
                print(f"  {name:24} {generation:>4} {_line(pauses)}")
    if {"mmap", "heap"} <= growths.keys():
        print("\nclaims")
        for claim in CLAIMS:
            print(f"  {claim.judged(growths['mmap'], growths['heap'])}")


def _line(pauses: Pauses) -> str:
    return f"{pauses.count:8,} {pauses.total:10.2f} {pauses.median:9.3f} {pauses.p99:9.3f} {pauses.longest:9.3f}"


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench stores", description=__doc__)
    parser.add_argument("--resident", type=int, default=1_000_000)
    parser.add_argument("--senders", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=sorted(VARIANTS), default=list(VARIANTS))
    add_json(parser)
    options = parser.parse_args(arguments)
    runs = measure(options.only, options.resident, options.senders, options.repeats)
    if tell_json(options.json, runs):
        return
    print(f"{options.resident:,} transactions, {options.senders:,} senders, {options.repeats} run(s) of each")
    show({variant: middle(each) for variant, each in runs.items()})
