"""What Python's heap holds: blocks of its own allocator, and what it has from the C library.

Mappings of other kinds, as a slab arena, are in neither: they are not on the heap.
"""

import ctypes
import os
import re
import sys
import tempfile
from typing import ClassVar, Final

import msgspec

_MALLINFO: Final = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)


class Mallinfo(ctypes.Structure):
    """`struct mallinfo2` of glibc 2.33 and later."""

    _fields_: ClassVar = [(name, ctypes.c_size_t) for name in _MALLINFO]


class HeapInUse(msgspec.Struct, frozen=True):
    """Bytes, but for the first.

    Attributes:
        blocks: allocated blocks of Python's own allocator, for objects up to 512 bytes.
        small_bytes: those blocks' bytes.
        malloc_bytes: in use by malloc, its mapped chunks included.
    """

    blocks: int
    small_bytes: int
    malloc_bytes: int

    @property
    def total(self) -> int:
        """All bytes in use; what is free in arenas is not counted."""
        return self.small_bytes + self.malloc_bytes


_SMALL: Final = re.compile(r"# bytes in allocated blocks\s+=\s+([\d,]+)")


def heap_in_use() -> HeapInUse:
    """Take stock."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Mallinfo
    info = mallinfo2()
    return HeapInUse(sys.getallocatedblocks(), _small_bytes(), info.uordblks + info.hblkhd)


def _small_bytes() -> int:
    """Read the statistics that the interpreter writes to standard error and nowhere else."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            sys._debugmallocstats()  # noqa: SLF001 - there is no other way
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        found = _SMALL.search(file.read().decode())
    assert found, "this interpreter was built without its small-object allocator"
    return int(found[1].replace(",", ""))
