"""The memory that slabs are cut from: one memfd, mapped once.

The file has its full length from the start, sparse: memory is taken step by step as a slab fills from below, each step
in one system call, so that no other write waits for a page fault. One mapping instead of one a slab because Python
keeps a file descriptor open for each. Slabs are page-aligned, so that their pages can be given back one by one; which
are there is kept in one bit a page.
"""

import errno
import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, Self

from mmap_pool import pages
from mmap_pool.handle import SLABS_MAX
from mmap_pool.pages import PageReport, Pages

SLAB_BYTES: Final = 2 << 20
STEP_BYTES: Final = 256 << 10
HUGE_PAGE_BYTES: Final = 2 << 20

_MADV_POPULATE_WRITE: Final = 23  # Linux 5.14; the mmap module does not name it


class Arena:
    """Up to `limit_bytes` of shared memory in slabs of `slab_bytes`.

    Attributes:
        memory: the mapping; slab `n` begins at `n * slab_bytes`.
        view: the same, read-only, to cut views from.
        slabs: how many are claimed.
        kind: of the pages that were asked for, the best that the system did not refuse.
        page_bytes: what is taken and given back as one: the size of a large page where they are granted.
        populated_bytes: what the slabs hold now.
        returned_bytes: what was ever given back.
        refusals: why a better kind of page was not to be had, for those that failed outright.
    """

    def __init__(
        self,
        limit_bytes: int,
        *,
        slab_bytes: int = SLAB_BYTES,
        step_bytes: int = STEP_BYTES,
        ask: Pages = Pages.HUGETLB,
    ) -> None:
        """Map the arena; no memory is taken yet, except that huge pages of the system's reserve are set aside.

        Args:
            limit_bytes: most that slabs may take; what is left over a whole number of slabs is not used.
            slab_bytes: a multiple of the page size.
            step_bytes: how much of a slab is populated at a time, a multiple of the page size; what is taken in
                advance of use, and how long that takes (at 2 to 3 us a page of 4 KiB). `slab_bytes` for all at once.
            ask: the best kind of page to try.

        Raises:
            ValueError: the sizes make no arena.
        """
        self.slab_bytes = slab_bytes
        self.slabs_max = _slabs_that_fit(limit_bytes, slab_bytes)
        self.slabs = 0
        self.populated_bytes = 0
        self.returned_bytes = 0
        self._step_bytes = _whole_pages("step_bytes", step_bytes)
        self._absent: list[int] = []  # of each slab, a bit for each page that is not there
        self.refusals: dict[Pages, str] = {}
        self.kind, self.fd, self.memory = self._map(ask)
        self.page_bytes = _granted_page_bytes(self.kind, slab_bytes)
        self._step_bytes = max(self._step_bytes, self.page_bytes)  # less is not to be had
        self.view = memoryview(self.memory).toreadonly()

    @property
    def limit_bytes(self) -> int:
        """The most it can hold."""
        return self.slabs_max * self.slab_bytes

    @property
    def reserved_bytes(self) -> int:
        """What the claimed slabs take."""
        return self.slabs * self.slab_bytes

    def claim(self) -> int | None:
        """Take the next slab and return its number; None when the limit is reached."""
        if self.slabs == self.slabs_max:
            return None
        self._absent.append((1 << self.slab_bytes // self.page_bytes) - 1)
        self.slabs += 1
        return self.slabs - 1

    def back(self, slab: int, start: int, end: int) -> int:
        """Have the bytes `start` to `end` of a slab backed by memory, and what is absent from there to the step's end.

        Returns:
            Where the next page begins, at or behind `start`, that is absent; the slab's end when none is.
        """
        first = start // self.page_bytes
        last = min(-(-end // self._step_bytes) * self._step_bytes, self.slab_bytes) // self.page_bytes
        missing = self._absent[slab] & (1 << last) - (1 << first)
        if missing:
            self._populate(slab, missing)
            self._absent[slab] ^= missing
            self.populated_bytes += missing.bit_count() * self.page_bytes
        beyond = self._absent[slab] >> first
        return (first + _lowest(beyond)) * self.page_bytes if beyond else self.slab_bytes

    def present(self, slab: int) -> int:
        """Tell which pages of a slab are there, one bit each."""
        return (1 << self.slab_bytes // self.page_bytes) - 1 ^ self._absent[slab]

    def give_back(self, slab: int, pages_of: int) -> int:
        """Return pages of a slab, one bit each, to the system: holes in the file. They read as zeros from here on.

        Returns:
            How many bytes that were. The caller's word is that all of them are there and nothing in them is in use.
        """
        base = slab * self.slab_bytes
        for first, count in _runs(pages_of):
            self.memory.madvise(mmap.MADV_REMOVE, base + first * self.page_bytes, count * self.page_bytes)
        size = pages_of.bit_count() * self.page_bytes
        self._absent[slab] |= pages_of
        self.populated_bytes -= size
        self.returned_bytes += size
        return size

    @property
    def granted(self) -> Pages:
        """The kind of pages that faults bring: `kind`, but normal ones where asking for transparent ones is in vain."""
        in_vain = self.kind is Pages.TRANSPARENT and self.page_bytes < HUGE_PAGE_BYTES
        return Pages.NORMAL if in_vain else self.kind

    def touch(self, start: int, length: int) -> None:
        """Write a byte to each page: how to populate on a kernel that has no call for it. Not where anything lies."""
        self.memory[start : start + length : mmap.PAGESIZE] = bytes(len(range(0, length, mmap.PAGESIZE)))

    def report(self) -> PageReport:
        """Tell which pages it really got. Reads `/proc/self/smaps`: milliseconds."""
        return pages.report(self.fd)

    def close(self) -> None:
        """Give everything back.

        Raises:
            BufferError: a view is still on loan.
        """
        self.view.release()
        self.memory.close()
        os.close(self.fd)

    def __enter__(self) -> Self:
        """Use as a context manager: closed at the end."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()

    def _populate(self, slab: int, missing: int) -> None:
        """Get pages. In one call for all: those between, which are there, stay as they are."""
        base = slab * self.slab_bytes
        first = _lowest(missing)
        start, end = base + first * self.page_bytes, base + missing.bit_length() * self.page_bytes
        try:
            self.memory.madvise(_MADV_POPULATE_WRITE, start, end - start)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            for first, count in _runs(missing):
                self.touch(base + first * self.page_bytes, count * self.page_bytes)

    def _map(self, ask: Pages) -> tuple[Pages, int, mmap.mmap]:
        for kind in Pages:
            if kind < ask:
                continue
            try:
                return kind, *_open(kind, self.limit_bytes, self.slab_bytes)
            except OSError as error:
                if kind is Pages.NORMAL:
                    raise
                self.refusals[kind] = str(error)
        raise AssertionError(ask)


def _whole_pages(name: str, size: int) -> int:
    if size <= 0 or size % mmap.PAGESIZE:
        raise ValueError(f"{name} {size} is not a multiple of the page size {mmap.PAGESIZE}")
    return size


def _slabs_that_fit(limit_bytes: int, slab_bytes: int) -> int:
    slabs = limit_bytes // _whole_pages("slab_bytes", slab_bytes)
    if not 1 <= slabs <= SLABS_MAX:
        raise ValueError(f"{limit_bytes} bytes make {slabs} slabs of {slab_bytes}, not 1 to {SLABS_MAX}")
    return slabs


def _granted_page_bytes(kind: Pages, slab_bytes: int) -> int:
    """What a fault brings: pages that the system could not grant after all come one by one."""
    if kind is Pages.HUGETLB:
        return HUGE_PAGE_BYTES
    large = kind is Pages.TRANSPARENT and pages.permits_large() and slab_bytes % HUGE_PAGE_BYTES == 0
    return HUGE_PAGE_BYTES if large else mmap.PAGESIZE


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _runs(bits: int) -> Iterator[tuple[int, int]]:
    """Go through the bits that are set: where a row of them begins, and how many they are."""
    position = 0
    while bits:
        gap = _lowest(bits)
        bits >>= gap
        length = _lowest(~bits)
        yield position + gap, length
        bits >>= length
        position += gap + length


def _open(kind: Pages, size: int, slab_bytes: int) -> tuple[int, mmap.mmap]:
    """Make the file and its mapping. OSError when the system has no such pages."""
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    if kind is Pages.HUGETLB:
        if slab_bytes % HUGE_PAGE_BYTES:
            raise OSError(errno.EINVAL, f"slabs of {slab_bytes} bytes are not whole huge pages")
        flags |= os.MFD_HUGETLB | os.MFD_HUGE_2MB
    fd = os.memfd_create("slab", flags)
    try:
        memory = _map_sealed(fd, size)
        if kind is Pages.TRANSPARENT:
            memory.madvise(mmap.MADV_HUGEPAGE)
        elif kind is Pages.NORMAL:
            with suppress(OSError):  # a kernel without large pages knows no such advice, and needs none
                memory.madvise(mmap.MADV_NOHUGEPAGE)
    except OSError:
        os.close(fd)
        raise
    return fd, memory


def _map_sealed(fd: int, size: int) -> mmap.mmap:
    """Map `size` bytes. Sealed, so that nobody who gets hold of the file can pull it from under the mapping."""
    os.ftruncate(fd, size)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return mmap.mmap(fd, size)
