"""Settings that are each in order and make no sense together."""

from collections.abc import Callable, Iterator, Mapping
from operator import ge, gt
from typing import Final

from txpool.config.sections import Settings

# Two numbers, how they must stand to one another, and the words for it. 0 is no limit, where it is allowed.
_PAIRS: Final[tuple[tuple[str, Callable[[float, float], bool], str, str], ...]] = (
    ("memory.hard_bytes", gt, "memory.soft_bytes", "must be above"),
    ("governor.latency_seconds", ge, "governor.calm_seconds", "must not be below"),
    ("governor.recover_seconds_max", ge, "governor.recover_seconds", "must not be below"),
    ("governor.window_seconds", ge, "governor.sample_seconds", "must not be below"),
    ("rpc.sync_max_seconds", ge, "rpc.sync_default_seconds", "must not be below"),
)


def contradictions(settings: Settings, origins: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with each such pair, one line."""
    for key, holds, other, words in _PAIRS:
        value, bound = _value(settings, key), _value(settings, other)
        if value and bound and not holds(value, bound):
            yield f"{key} is {value} ({origins[key]}), and {words} {other}, which is {bound} ({origins[other]})"


def _value(settings: Settings, key: str) -> float:
    section, name = key.split(".")
    value: float = getattr(getattr(settings, section), name)
    return value
