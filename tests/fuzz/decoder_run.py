"""Runs many inputs through all decoders, on every core: `make fuzz-decoder ARGS="--inputs 1000000 --seed 7"`."""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from tests.fuzz.decoders import fault
from tests.fuzz.mutator import Mutator
from tests.fuzz.seeds import corpus

LONG_RUN: Final = 10_000_000
PORTION: Final = 20_000  # inputs that one seed of the mutator gives
SHOWN_MAX: Final = 20


class Find(NamedTuple):
    """An input that went wrong."""

    raw: bytes
    fault: str


def judge_portion(seed: int, count: int = PORTION) -> list[Find]:
    """Judge the inputs of one seed."""
    mutator = Mutator(_seeds(), seed)
    finds = []
    for _ in range(count):
        raw = mutator.next()
        if found := fault(raw):
            finds.append(Find(raw, found))
    return finds


def fuzz(inputs: int, seed: int, jobs: int, *, progress: bool = False) -> list[Find]:
    """Judge so many inputs, portions of them side by side."""
    _seeds()  # read once, the children inherit it
    portions = -(-inputs // PORTION)
    finds: list[Find] = []
    started = time.monotonic()
    with multiprocessing.get_context("fork").Pool(jobs) as workers:
        seeds = range(seed, seed + portions)
        for done, found in enumerate(workers.imap_unordered(judge_portion, seeds), 1):
            finds += found
            if progress:
                rate = done * PORTION / (time.monotonic() - started)
                line = (
                    f"{done * PORTION:>12,} of {portions * PORTION:,} inputs, {rate:,.0f} a second, {len(finds)} finds"
                )
                print("\r" + line, end="" if done < portions else "\n", file=sys.stderr, flush=True)  # noqa: T201
    return finds


_SEEDS: list[bytes] = []


def _seeds() -> list[bytes]:
    if not _SEEDS:
        _SEEDS.extend(corpus())
    return _SEEDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="fuzz-decoder", description=__doc__)
    parser.add_argument("--inputs", type=int, default=LONG_RUN)
    parser.add_argument("--seed", type=int, default=0, help="of the first portion; the next ones count up")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    finds = fuzz(options.inputs, options.seed, options.jobs, progress=True)
    for find in sorted(finds, key=lambda find: len(find.raw))[:SHOWN_MAX]:
        print(f"0x{find.raw.hex()}\n    {find.fault}")  # noqa: T201
    print(f"{len(finds)} finds")  # noqa: T201
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
