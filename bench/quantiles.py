"""Quantiles of what was measured one by one."""

from collections.abc import Sequence


def quantiles_us(taken_ns: Sequence[int], *parts: float) -> dict[str, float]:
    """Of times in nanoseconds, the quantiles at these parts of 1, named `p50`, `p99.9`, and `max`: microseconds."""
    ordered = sorted(taken_ns)
    return {f"p{part * 100:g}": ordered[int(part * len(ordered))] / 1e3 for part in parts} | {"max": ordered[-1] / 1e3}
