"""Makes a failing list of steps short: leaves out parts as long as it still fails."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def shrink(items: Sequence[Item], fails: Callable[[list[Item]], bool], *, tries: int = 400) -> list[Item]:
    """Leave out as much as can be left out.

    Args:
        items: they fail, the last of them last of all: it is kept.
        fails: whether a part of them still does.
        tries: how often that may be asked.

    Returns:
        What is left. With enough tries none of it but the last can be left out alone.
    """
    *kept, last = items
    size = max(len(kept) // 2, 1)
    start = 0
    while kept and tries > 0:
        if start >= len(kept):
            if size == 1:
                break
            size, start = max(size // 2, 1), 0
        tries -= 1
        without = kept[:start] + kept[start + size :]
        if fails([*without, last]):
            kept = without
        else:
            start += size
    return _once_more_singly(kept, last, fails, tries)


def _once_more_singly(kept: list[Item], last: Item, fails: Callable[[list[Item]], bool], tries: int) -> list[Item]:
    """What could not go at first may be able to after others have gone."""
    changed = True
    while changed and tries > 0:
        changed = False
        for at in range(len(kept) - 1, -1, -1):
            without = kept[:at] + kept[at + 1 :]
            tries -= 1
            if tries >= 0 and fails([*without, last]):
                kept, changed = without, True
    return [*kept, last]
