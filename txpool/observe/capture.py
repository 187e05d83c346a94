"""Reads what memray has recorded: large allocations, by entry point and stack.

    python -m txpool.observe.capture FILE MIN_BYTES

A process of its own, since reading takes seconds and holds the interpreter's lock. Writes a `Capture` as JSON.
"""

import os
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from txpool.observe.entry_points import NAMES, entry_of

POLITE: Final = 10
STACKS_MAX: Final = 200  # told of each entry point, those with the most bytes
FRAMES_MAX: Final = 100  # told of each stack, the innermost
ROOT: Final = str(Path(__file__).parents[2]) + "/"
STDLIB: Final = sysconfig.get_path("stdlib") + "/"
LOOP: Final = ("run", "asyncio/runners.py")

Frame = tuple[str, str, int]  # function, file, line


class Stack(msgspec.Struct, frozen=True):
    """What was allocated at one place, reached in one way; the outermost frame first."""

    count: int
    bytes: int
    how: str  # malloc, realloc, mmap ...
    frames: tuple[Frame, ...]


class Group(msgspec.Struct, frozen=True):
    """What one entry point led to. Sums are of all its stacks; those with the most bytes are told."""

    entry: str
    count: int
    bytes: int
    stacks: tuple[Stack, ...]
    omitted: int  # stacks


class Capture(msgspec.Struct, frozen=True):
    """All that was found; `records` is how many allocations and frees of any size were looked at."""

    records: int
    groups: tuple[Group, ...]


class _Sum:
    """Allocations of one stack."""

    def __init__(self, first: Any) -> None:  # noqa: ANN401 - memray is optional, and so are its types
        self.first = first
        self.count = 0
        self.bytes = 0


def read_capture(path: str, min_bytes: int) -> Capture:
    """Read a file of memray's.

    Raises:
        OSError: it cannot be read, or is none.
    """
    # It is optional: only who traces has it.
    from memray import AllocatorType, FileReader  # noqa: PLC0415 - see above

    frees = {AllocatorType.FREE, AllocatorType.MUNMAP, AllocatorType.PYMALLOC_FREE}
    sums: dict[tuple[int, int], _Sum] = {}
    records = 0
    with FileReader(path) as reader:
        for record in reader.get_allocation_records():
            records += 1
            if record.size < min_bytes or record.allocator in frees:
                continue
            found = sums.setdefault((record.stack_id, record.allocator), _Sum(record))
            found.count += 1
            found.bytes += record.size
        stacks = [_stack(found, AllocatorType(how).name.lower()) for (_, how), found in sums.items()]
    return Capture(records, tuple(_grouped(stacks)))


def _stack(found: _Sum, how: str) -> Stack:
    traced = found.first.stack_trace(max_stacks=FRAMES_MAX)
    frames = [(function, _short(file), line) for function, file, line in traced[::-1]]
    return Stack(found.count, found.bytes, how, tuple(_below_loop(frames)))


def _short(file: str) -> str:
    """A file of ours from `txpool/` on, one of a library from its package on."""
    return file.removeprefix(ROOT).rpartition("/site-packages/")[2].removeprefix(STDLIB)


def _below_loop(frames: list[Frame]) -> list[Frame]:
    """Leave out what is on every stack of the loop's thread: how it came to run the loop."""
    at = [index for index, (function, file, _) in enumerate(frames) if (function, file) == LOOP]
    return frames[at[-1] :] if at else frames


def _grouped(stacks: Iterable[Stack]) -> Iterable[Group]:
    by_entry: defaultdict[str, list[Stack]] = defaultdict(list)
    for stack in stacks:
        by_entry[entry_of((function, file) for function, file, _ in stack.frames)].append(stack)
    for entry in sorted(by_entry, key=NAMES.index):
        found = sorted(by_entry[entry], key=lambda stack: (-stack.bytes, stack.frames))
        count, size = sum(stack.count for stack in found), sum(stack.bytes for stack in found)
        yield Group(entry, count, size, tuple(found[:STACKS_MAX]), max(0, len(found) - STACKS_MAX))


def main() -> None:
    """Read the file that the command line names."""
    path, min_bytes = sys.argv[1:]
    with suppress(OSError):  # a sandbox may forbid it
        os.nice(POLITE)  # the daemon goes first
    sys.stdout.buffer.write(msgspec.json.encode(read_capture(path, int(min_bytes))))


if __name__ == "__main__":
    main()
