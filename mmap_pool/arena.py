"""The memory that slabs are cut from: one memfd, mapped once.

The file has its full length from the start, sparse: a slab costs memory from the moment it is claimed, and then all
of it at once, so that no put ever waits for a page fault. One mapping instead of one a slab because Python keeps a
file descriptor open for each. Slabs are page-aligned, so that their pages can be given back one by one.
"""

import errno
import fcntl
import mmap
import os
from typing import Final, Self

from mmap_pool import pages
from mmap_pool.handle import SLABS_MAX
from mmap_pool.pages import PageReport, Pages

SLAB_BYTES: Final = 2 << 20
HUGE_PAGE_BYTES: Final = 2 << 20

_MADV_POPULATE_WRITE: Final = 23  # Linux 5.14; the mmap module does not name it


class Arena:
    """Up to `limit_bytes` of shared memory in slabs of `slab_bytes`.

    Attributes:
        memory: the mapping; slab `n` begins at `n * slab_bytes`.
        view: the same, read-only, to cut views from.
        slabs: how many are claimed.
        refusals: why a better kind of page was not to be had, for those that failed outright.
    """

    def __init__(self, limit_bytes: int, *, slab_bytes: int = SLAB_BYTES, ask: Pages = Pages.HUGETLB) -> None:
        """Map the arena; no memory is taken yet, except that huge pages of the system's reserve are set aside.

        Args:
            limit_bytes: most that slabs may take; what is left over a whole number of slabs is not used.
            slab_bytes: a multiple of the page size. What one `claim` populates, so also how long it takes.
            ask: the best kind of page to try.

        Raises:
            ValueError: the sizes make no arena.
        """
        self.slab_bytes = slab_bytes
        self.slabs_max = _slabs_that_fit(limit_bytes, slab_bytes)
        self.slabs = 0
        self.refusals: dict[Pages, str] = {}
        self.fd, self.memory = self._map(ask)
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
        self.slabs += 1
        return self.slabs - 1

    def populate(self, slab: int, size: int) -> None:
        """Have the first `size` bytes of an empty slab backed by memory, so that writing there faults no more."""
        start = slab * self.slab_bytes
        length = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        try:
            self.memory.madvise(_MADV_POPULATE_WRITE, start, length)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self.touch(start, length)

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

    def _map(self, ask: Pages) -> tuple[int, mmap.mmap]:
        for kind in Pages:
            if kind < ask:
                continue
            try:
                return _open(kind, self.limit_bytes, self.slab_bytes)
            except OSError as error:
                if kind is Pages.NORMAL:
                    raise
                self.refusals[kind] = str(error)
        raise AssertionError(ask)


def _slabs_that_fit(limit_bytes: int, slab_bytes: int) -> int:
    if slab_bytes <= 0 or slab_bytes % mmap.PAGESIZE:
        msg = f"slab_bytes {slab_bytes} is not a multiple of the page size {mmap.PAGESIZE}"
        raise ValueError(msg)
    slabs = limit_bytes // slab_bytes
    if not 1 <= slabs <= SLABS_MAX:
        msg = f"{limit_bytes} bytes make {slabs} slabs of {slab_bytes}, not 1 to {SLABS_MAX}"
        raise ValueError(msg)
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
