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
from txpool.observe.resident import RESIDENT_KINDS, Resident


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

    __slots__ = ("_blocks", "_malloc", "_reader", "faults", "resident")

    def __init__(self, clock: Callable[[], float], reader: Resident | None = None) -> None:
        """Take a clock in seconds, for what readings cost, and a reader of resident memory; by default a new one."""
        self._reader = reader or Resident()
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
        """Bytes of the interpreter's arenas: private memory less malloc's, as near as can be told from outside.

        Stacks and the data of libraries are in it, a few MB. What `malloc_trim` has given back stays free in malloc's
        count and is not resident, so by that much this is too low, until the heap takes it again.
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
        """Private resident bytes, now; the latest known where the kernel does not tell."""
        self.resident = self._reader.kinds() or self.resident
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
                "Private memory less malloc's: the interpreter's arenas; too low by what malloc gave back.",
                lambda: self.arenas,
            ),
            gauges(
                "txpool_malloc_bytes",
                "What the C library counts: used, free (resident or given back), mapped one by one for large objects.",
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
