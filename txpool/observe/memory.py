"""What memory the process has, by who counts it: the kernel, the C library, the interpreter.

Cost on a two-core machine, in the empty process and at five million blocks: `/proc/self/status` 10 us and 7,
`getrusage` 2 and 1.5, allocated blocks 1 and 90, `mallinfo2` 1.5 us and 5 ms (it walks the free chunks, of which a heap
of large objects has many after an eviction). `smaps_rollup` (0.2 and 8 ms) is not read at all.
"""

import ctypes
import resource
import sys
from collections.abc import Callable

import msgspec

from txpool.observe.paced import Paced
from txpool.observe.page import Family, counters, gauge, gauges
from txpool.observe.resident import RESIDENT_KINDS, read_status, resident_bytes


class MallocBytes(msgspec.Struct, frozen=True, gc=False):
    """What the C library counts: in use in its heaps, free in them, and mapped one by one for large objects."""

    used: int = 0
    free: int = 0
    mapped: int = 0


class _Mallinfo2(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def malloc_reader() -> Callable[[], MallocBytes]:
    """What reads malloc's statistics; nothing where the C library has none (glibc has them from 2.33)."""
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo2 is None:
        return MallocBytes
    mallinfo2.restype = _Mallinfo2

    def read() -> MallocBytes:
        found = mallinfo2()
        return MallocBytes(found.uordblks, found.fordblks, found.hblkhd)

    return read


class Memory:
    """The latest readings.

    Attributes:
        resident: bytes by kind, in the order of `RESIDENT_KINDS`. Huge pages are those of hugetlb; transparent ones are
            in the other kinds, since only a walk through the mappings could tell.
        faults: minor and major page faults since the start.
        blocks: blocks of the interpreter's own allocator, for objects of up to 512 bytes.
        malloc: what the C library counts.
    """

    __slots__ = ("_blocks", "_malloc", "faults", "resident")

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take a clock in seconds, for what readings cost."""
        self.resident: tuple[int, ...] = (0,) * len(RESIDENT_KINDS)
        self.faults = (0, 0)
        self._blocks = Paced(sys.getallocatedblocks, clock, 0)
        self._malloc = Paced(malloc_reader(), clock, MallocBytes())

    @property
    def blocks(self) -> int:
        """Allocated blocks, as they were last counted."""
        return self._blocks.value

    @property
    def malloc(self) -> MallocBytes:
        """The statistics of malloc, as they were last asked for."""
        return self._malloc.value

    @property
    def anonymous(self) -> int:
        """Private resident bytes."""
        return self.resident[0]

    @property
    def arenas(self) -> int:
        """Bytes of the interpreter's arenas: private memory less malloc's.

        Interpreters do not tell, so stacks and the libraries' data are in it, a few MB.
        """
        malloc = self.malloc
        return max(0, self.anonymous - malloc.used - malloc.free - malloc.mapped)

    def look(self) -> None:
        """Take what is due."""
        self.look_at_heap()
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.faults = (used.ru_minflt, used.ru_majflt)
        self._blocks.look()
        self._malloc.look()

    def look_at_heap(self) -> int:
        """Private resident bytes, now."""
        self.resident = resident_bytes(read_status())
        return self.anonymous

    def count_blocks(self) -> int:
        """Allocated blocks, now."""
        return self._blocks.read()

    def families(self) -> list[Family]:
        """Show the latest readings; a scrape takes none."""
        return [
            gauge(
                "txpool_heap_allocated_blocks",
                "Blocks of the interpreter's allocator in use, for objects of up to 512 bytes.",
                lambda: self.blocks,
            ),
            gauge(
                "txpool_heap_arena_bytes",
                "Resident bytes of the interpreter's arenas: private memory less malloc's; stacks and data are in it.",
                lambda: self.arenas,
            ),
            gauges(
                "txpool_malloc_bytes",
                "What the C library counts: used and free in its heaps, mapped one by one for large objects.",
                [{"state": "used"}, {"state": "free"}, {"state": "mapped"}],
                lambda: (self.malloc.used, self.malloc.free, self.malloc.mapped),
            ),
            gauges(
                "txpool_resident_bytes",
                "Resident memory by kind; the slabs are shared, or huge.",
                [{"kind": kind} for kind in RESIDENT_KINDS],
                lambda: self.resident,
            ),
            counters(
                "txpool_page_faults_total",
                "Page faults of the process; a major one waits for a disk.",
                [{"kind": "minor"}, {"kind": "major"}],
                lambda: self.faults,
            ),
        ]
