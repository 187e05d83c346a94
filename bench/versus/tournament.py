"""Our daemon and other nodes under the same load, round by round.

    python -m bench versus --geth PATH [--anvil PATH] [--rounds N] [--transactions N] [--modes NAMES] [--json FILE]

Signs one corpus for all, then plays every mode on every node in turn, a fresh node each time, and again in each round.
Accepted counts are asserted equal between the nodes. Server CPU is what the operating system says of the process and
its children. One sender recovery is timed beside it, as the floor under every transaction.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
from coincurve import PrivateKey, PublicKey

from bench.versus.modes import Mode, modes
from bench.versus.round import Contender, Round, anvil_at, ours, play, theirs
from bench.versus.table import table
from loadtest.corpus import prepare
from loadtest.environment import environment
from loadtest.node import NodeError, find_binary, version_of
from loadtest.scenario import Recipe

RECOVERIES: Final = 5000


def recovery_us() -> float:
    """CPU time of one public key recovery through coincurve."""
    key, digest = PrivateKey(b"\x01" * 32), b"\x02" * 32
    signature = key.sign_recoverable(digest, hasher=None)
    started = time.process_time()
    for _ in range(RECOVERIES):
        PublicKey.from_signature_and_message(signature, digest, hasher=None)
    return (time.process_time() - started) / RECOVERIES * 1e6


def contenders(options: argparse.Namespace) -> list[Contender]:
    """Who takes part; ours first."""
    found = [Contender("txpool", "of this tree", ours(tuple(options.ours)))]
    if options.geth:
        binary = find_binary(options.geth)
        found.append(Contender("geth", version_of(binary), theirs(binary)))
    if options.anvil:
        binary = find_binary(options.anvil)
        found.append(Contender("anvil", version_of(binary), anvil_at(binary)))
    return found


def corpora(chosen: Sequence[Mode], whole: int, senders: int, folder: Path) -> dict[int, Path]:
    """One corpus for each size that the modes need; each is the start of the largest."""
    sizes = {mode.transactions(whole) for mode in chosen}
    made = {}
    for size in sorted(sizes):
        made[size] = folder / str(size)
        prepare(Recipe(senders=min(senders, size)), size, made[size], processes=os.cpu_count() or 1)
    return made


def tournament(
    options: argparse.Namespace, players: Sequence[Contender], folder: Path
) -> tuple[list[Round], list[float]]:
    """All rounds, and what a recovery cost in each."""
    chosen = [mode for mode in modes(options.open_seconds) if not options.modes or mode.name in options.modes]
    made = corpora(chosen, options.transactions, options.senders, folder)
    rounds: list[Round] = []
    floor = []
    for number in range(options.rounds):
        floor.append(recovery_us())
        for mode in chosen:
            # Who begins changes, so that what drifts in the machine hits both.
            order = players if number % 2 == 0 else list(reversed(players))
            played = [(player, play(player, mode, made[mode.transactions(options.transactions)])) for player in order]
            for player, found in played:
                if found is None:
                    print(f"{mode.name}: skipped for {player.name}: no {mode.load.transport} listener", file=sys.stderr)
            held = [found for _, found in played if found is not None]
            counts = {found.node: found.accepted for found in held}
            assert len(set(counts.values())) <= 1, f"{mode.name}: accepted counts differ: {counts}"
            rounds += held
            _tell(number, held)
    return rounds, floor


def _tell(number: int, held: Sequence[Round]) -> None:
    for found in held:
        told = (
            f"{found.tps:8,.0f} TPS  {found.cpu_us:6.1f} us  p99 {found.p99_ms:7.2f} ms  {found.resident_bytes:5.0f} B"
        )
        print(f"round {number + 1}  {found.mode:12} {found.node:7} {told}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench versus", description=__doc__)
    parser.add_argument("--geth", help="a geth binary")
    parser.add_argument("--anvil", help="an anvil binary")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--senders", type=int, default=2_000)
    parser.add_argument("--open-seconds", type=float, default=30.0)
    parser.add_argument("--modes", type=lambda text: text.split(","), default=[], help="names, with commas between")
    parser.add_argument("--ours", action="append", default=[], metavar="OPTION", help="one more option of `txpool run`")
    parser.add_argument("--json", type=Path, help="write everything measured here")
    options = parser.parse_args(arguments)
    try:
        players = contenders(options)
        with tempfile.TemporaryDirectory(prefix="versus-") as folder:
            rounds, floor = tournament(options, players, Path(folder))
    except NodeError as error:
        sys.exit(str(error))
    for player in players:
        print(f"{player.name}: {player.version}")
    print(f"one recovery through coincurve: {median(floor):.1f} us of CPU")
    print(table(rounds, players[0].name, median(floor)))
    if options.json:
        document = {
            "environment": environment(None),
            "versions": {player.name: player.version for player in players},
            "recovery_us": floor,
            "rounds": msgspec.to_builtins(rounds),
        }
        options.json.write_text(json.dumps(document, indent=1) + "\n")
