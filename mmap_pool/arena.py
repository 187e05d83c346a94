"""The memory that slabs are cut from: one memfd, mapped once.

The file has its full length from the start, sparse: memory is taken step by step as a slab fills from below, each step
in one system call, so that no other write waits for a page fault. One mapping instead of one a slab because Python
keeps a file descriptor open for each. Slabs are page-aligned, so that their pages can be given back one by one.
"""

import errno
import fcntl
import mmap
import os
from array import array
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
        populated_bytes: what they were given so far.
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
        self._step_bytes = _whole_pages("step_bytes", step_bytes)
        self._backed = array("Q")  # of each slab, the bytes populated
        self.refusals: dict[Pages, str] = {}
        kind, self.fd, self.memory = self._map(ask)
        if kind is Pages.HUGETLB:
            self._step_bytes = HUGE_PAGE_BYTES  # less is not to be had
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
        self._backed.append(0)
        self.slabs += 1
        return self.slabs - 1

    def back(self, slab: int, size: int) -> int:
        """Have the first `size` bytes of a slab backed by memory, and as many more as make whole steps.

        Returns:
            How many are. What lies behind them must not be in use.
        """
        backed = self._backed[slab]
        end = min(-(-size // self._step_bytes) * self._step_bytes, self.slab_bytes)
        if end <= backed:
            return backed
        self._populate(slab * self.slab_bytes + backed, end - backed)
        self._backed[slab] = end
        self.populated_bytes += end - backed
        return end

    def touch(self, start: int, length: int) -> None:
        """Write a byte to each page: how to populate on a kernel that has no call for it."""
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

    def _populate(self, start: int, length: int) -> None:
        try:
            self.memory.madvise(_MADV_POPULATE_WRITE, start, length)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self.touch(start, length)

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
    except OSError:
        os.close(fd)
        raise
    return fd, memory


def _map_sealed(fd: int, size: int) -> mmap.mmap:
    """Map `size` bytes. Sealed, so that nobody who gets hold of the file can pull it from under the mapping."""
    os.ftruncate(fd, size)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return mmap.mmap(fd, size)
