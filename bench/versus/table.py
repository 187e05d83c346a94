"""The rounds as medians, side by side."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from bench.versus.round import Round

HEAD: Final = (
    *("mode", "node", "rounds", "TPS", "TPS/CPU-s", "x", "CPU us", "recoveries", "p50 ms", "p99 ms", "p99.9 ms"),
    *("max ms", "bytes/tx", "pause ms", "turn ms", "lag p99"),
)


def table(rounds: Sequence[Round], first: str, recovery_us: float) -> str:
    """Medians of each node in each mode.

    `x` is how many times the TPS per CPU-second of the other node ours has, `recoveries` how many public key recoveries
    the CPU of a transaction would have paid for (`recovery_us` each); `!` marks rounds in which the generator was
    the bottleneck.
    """
    rows = [HEAD, *_rows(rounds, first, recovery_us)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _rows(rounds: Sequence[Round], first: str, recovery_us: float) -> Iterator[tuple[str, ...]]:
    for mode in dict.fromkeys(found.mode for found in rounds):
        for node in dict.fromkeys(found.node for found in rounds if found.mode == mode):
            held = [found for found in rounds if (found.mode, found.node) == (mode, node)]
            own = [found.tps_per_cpu_second for found in rounds if (found.mode, found.node) == (mode, first)]
            yield _row(held, median(own) if own and node != first else 0.0, recovery_us)


def _row(held: Sequence[Round], own: float, recovery_us: float) -> tuple[str, ...]:
    efficiency = median(found.tps_per_cpu_second for found in held)
    pauses = [found.longest_pause_ms for found in held if found.longest_pause_ms is not None]
    turns = [found.longest_turn_ms for found in held if found.longest_turn_ms is not None]
    return (
        held[0].mode,
        held[0].node,
        str(len(held)),
        f"{median(found.tps for found in held):,.0f}",
        f"{efficiency:,.0f}",
        f"{own / efficiency:.2f}" if own else "",
        f"{median(found.cpu_us for found in held):.1f}",
        f"{median(found.cpu_us for found in held) / recovery_us:.2f}",
        *(
            f"{median(getattr(found, name) for found in held):.2f}"
            for name in ("p50_ms", "p99_ms", "p999_ms", "max_ms")
        ),
        f"{median(found.resident_bytes for found in held):,.0f}",
        f"{max(pauses):.2f}" if pauses else "",
        f"{max(turns):.2f}" if turns else "",
        f"{max(found.lag_p99_ms for found in held):.2f}{'!' if any(found.generator_bound for found in held) else ''}",
    )
