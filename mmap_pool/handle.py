"""The name of one life of one slot: an unsigned 64-bit int.

     63            32 31        16 15         0
    +----------------+------------+------------+
    |   generation   |    slab    |    slot    |
    +----------------+------------+------------+

The generation counts the lives of the slot and starts at 1, so no handle is 0. It stands on top so that the int stays
small while the slot is young: below 2**60, that is for its first 2**28 lives, CPython needs 32 bytes for it, else 48.
A slot that has used up its `GENERATION_MAX` lives retires; no handle ever names two payloads.
"""

from typing import Final, NamedTuple, TypeAlias

Handle: TypeAlias = int

SLOT_BITS: Final = 16
SLAB_BITS: Final = 16
GENERATION_BITS: Final = 32

GENERATION_SHIFT: Final = SLAB_BITS + SLOT_BITS
SLOT_MASK: Final = (1 << SLOT_BITS) - 1
SLAB_MASK: Final = (1 << SLAB_BITS) - 1
# Endless upwards, so that an int which is too wide, or negative, keeps its excess and matches nothing.
GENERATION_MASK: Final = -1 << GENERATION_SHIFT

GENERATION_MAX: Final = (1 << GENERATION_BITS) - 1
SLABS_MAX: Final = 1 << SLAB_BITS
SLOTS_MAX: Final = 1 << SLOT_BITS


class Place(NamedTuple):
    """A handle taken apart."""

    generation: int
    slab: int
    slot: int


def pack(generation: int, slab: int, slot: int) -> Handle:
    """Put a handle together. The hot paths do the same with masks of their own."""
    return generation << GENERATION_SHIFT | slab << SLOT_BITS | slot


def unpack(handle: Handle) -> Place:
    """Take a handle apart, one that nobody issued too."""
    return Place(handle >> GENERATION_SHIFT, handle >> SLOT_BITS & SLAB_MASK, handle & SLOT_MASK)
