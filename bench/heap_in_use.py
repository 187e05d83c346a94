"""What Python's heap holds: blocks of its own allocator, and what it has from the C library.

Mappings of other kinds, as a slab arena, are in neither: they are not on the heap.
"""

import os
import re
import sys
import tempfile
from typing import Final

import msgspec

from txpool.observe.memory import malloc_reader


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
    malloc = malloc_reader()()
    return HeapInUse(sys.getallocatedblocks(), _small_bytes(), malloc.used + malloc.mapped)


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
