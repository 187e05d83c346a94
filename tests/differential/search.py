"""Differential fuzzing: seeded scenarios against a live geth.

    make fuzz-geth GETH=path ARGS="--seeds 100 --first 0"
    make fuzz-geth GETH=path ARGS="--replay fuzz-found/seed-16.jsonl"

Each seed is one scenario on fresh sides. A difference is replayed to see that it is none of chance, made short, and
written as a scenario file in the recorded format.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from tests.differential import scenario
from tests.differential.duel import Difference, Step, duel, replay
from tests.differential.generator import Generator
from tests.differential.geth_node import find_geth
from tests.differential.setting import Setting, draw_setting
from tests.differential.shrink import shrink

PATIENT: Final = 6.0  # pauses are so much longer when a difference is checked


class Found:
    """A difference that came again."""

    def __init__(self, setting: Setting, steps: list[Step], difference: Difference) -> None:
        self.setting = setting
        self.steps = steps
        self.difference = difference


def run_seed(geth: Path, seed: int, steps: int) -> Found | None:
    """Play the scenario of a seed; a difference counts when it comes again under longer pauses."""
    random = Random(seed)
    chain = random.random() < 0.5
    setting = draw_setting(random, chain=chain)
    with duel(geth, setting) as sides:
        generator = Generator(random, setting, sides.view, chain=chain)
        for _ in range(steps):
            if sides.play(generator.next()):
                played = sides.played
                break
        else:
            return None
    again = replay(geth, setting, played, patience=PATIENT)
    return Found(setting, played[: again.place + 1], again) if again else None


def make_short(geth: Path, found: Found) -> Found:
    """Leave out the steps that the difference does not need."""

    def still_differs(steps: list[Step]) -> bool:
        parted = replay(geth, found.setting, steps)
        return parted is not None and parted.what == found.difference.what and parted.place == len(steps) - 1

    steps = shrink(found.steps, still_differs)
    again = replay(geth, found.setting, steps, patience=PATIENT)
    return Found(found.setting, steps, again) if again else found


def keep(geth: Path, found: Found, path: Path) -> None:
    """Write the scenario with geth's answers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duel(geth, found.setting) as sides:
        for step in found.steps:
            sides.play(step)
        client = sides.geth.peer.call("web3_clientVersion")
        scenario.write(path, str(found.difference).partition("\n")[0], client, found.setting, sides.played)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 when both sides differ somewhere."""
    parser = argparse.ArgumentParser(
        prog="fuzz-geth", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--geth", type=Path, default=find_geth(), help="the program; else GETH, else `geth` in the path"
    )
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--steps", type=int, default=250, help="of each")
    parser.add_argument("--out", type=Path, default=Path("fuzz-found"), help="where scenarios of differences go")
    parser.add_argument("--replay", type=Path, help="play a scenario file instead")
    options = parser.parse_args(arguments)
    if options.geth is None:
        parser.error("no geth: GETH=path; docs/fuzzing.md says how to get one")
    if options.replay:
        return _replay(options.geth, options.replay)
    return _search(options)


def _replay(geth: Path, path: Path) -> int:
    parted = replay(geth, *scenario.read(path), patience=PATIENT)
    _say(str(parted) if parted else "both sides agree")
    return 1 if parted else 0


def _search(options: argparse.Namespace) -> int:
    differences = 0
    started = time.monotonic()
    for seed in range(options.first, options.first + options.seeds):
        found = run_seed(options.geth, seed, options.steps)
        if found is None:
            done = seed - options.first + 1
            _say(f"{done} seeds, {differences} differences, {(time.monotonic() - started) / done:.1f} s each", end="\r")
            continue
        differences += 1
        _say(f"seed {seed}: {found.difference}\n  made shorter ...")
        found = make_short(options.geth, found)
        path = options.out / f"seed-{seed}.jsonl"
        keep(options.geth, found, path)
        _say(
            f"  {len(found.steps)} steps: {found.difference}\n"
            f"  make fuzz-geth GETH={options.geth} ARGS='--replay {path}'"
        )
    _say(f"{options.seeds} seeds of {options.steps} steps, {differences} differences")
    return 1 if differences else 0


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
