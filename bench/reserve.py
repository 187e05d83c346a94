"""Huge pages for the length of a benchmark: those that the system has set aside, or, when told to, more."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

RESERVE: Final = Path("/proc/sys/vm/nr_hugepages")
POOL: Final = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")


@contextmanager
def huge_pages(count: int, *, may_raise: bool) -> Iterator[str | None]:
    """Have `count` free huge pages; gives the reason when there are not that many. The reserve is restored."""
    if not POOL.exists():
        yield "the kernel has no reserve of huge pages"
        return
    before = RESERVE.read_text()
    missing = count - _free()
    if missing > 0 and may_raise and os.access(RESERVE, os.W_OK):
        RESERVE.write_text(str(int(before) + missing))
    free = _free()
    try:
        yield None if free >= count else f"{free} huge pages are free, {count} are needed (vm.nr_hugepages; --reserve)"
    finally:
        if RESERVE.read_text() != before:
            RESERVE.write_text(before)


def _free() -> int:
    """Those that nobody has, and that nobody has set aside."""
    return int((POOL / "free_hugepages").read_text()) - int((POOL / "resv_hugepages").read_text())
