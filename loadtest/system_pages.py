"""Large pages for the length of a measurement: those that the system grants, or, for root, more. All is restored."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

HUGE_PAGE_BYTES: Final = 2 << 20
RESERVE: Final = Path("/proc/sys/vm/nr_hugepages")
POOL: Final = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
SHARED: Final = Path("/sys/kernel/mm/transparent_hugepage/shmem_enabled")


@contextmanager
def granted(kind: str, size: int) -> Iterator[str | None]:
    """Have pages of a kind (`hugetlb`, `transparent`, else normal ones) for so many bytes; gives the reason if not."""
    if kind == "hugetlb":
        with huge_pages(-(-size // HUGE_PAGE_BYTES), may_raise=True) as missing:
            yield missing
    elif kind == "transparent":
        with transparent_pages("advise") as missing:
            yield missing
    else:
        yield None


@contextmanager
def huge_pages(count: int, *, may_raise: bool) -> Iterator[str | None]:
    """Have `count` free huge pages; gives the reason when there are not that many."""
    if not POOL.exists():
        yield "the kernel has no reserve of huge pages"
        return
    before = RESERVE.read_text()
    missing = count - free_huge_pages()
    if missing > 0 and may_raise and os.access(RESERVE, os.W_OK):
        RESERVE.write_text(str(int(before) + missing))
    free = free_huge_pages()
    try:
        yield None if free >= count else f"{free} huge pages are free, {count} are needed (vm.nr_hugepages)"
    finally:
        if RESERVE.read_text() != before:
            RESERVE.write_text(before)


def free_huge_pages() -> int:
    """Those that nobody has, and that nobody has set aside."""
    if not POOL.exists():
        return 0
    return int((POOL / "free_hugepages").read_text()) - int((POOL / "resv_hugepages").read_text())


@contextmanager
def transparent_pages(switch: str) -> Iterator[str | None]:
    """Have `shmem_enabled` say `switch`; gives the reason when it does not."""
    if not SHARED.exists():
        yield "the kernel has no transparent large pages"
        return
    before = next(word for word in SHARED.read_text().split() if word.startswith("[")).strip("[]")
    if before == switch:
        yield None
        return
    try:
        SHARED.write_text(switch)
    except OSError as error:
        yield f"{SHARED.name} is {before}, and only root may change it: {error}"
        return
    try:
        yield None
    finally:
        SHARED.write_text(before)
