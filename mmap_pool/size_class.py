"""Which slot sizes there are: eight equal steps to each doubling, then, from 128 KiB on, multiples of one size.

    64 72 80 .. 120 | 128 144 160 .. 240 | 256 288 .. 128 KiB || 136 KiB, 272 KiB, 408 KiB .. to the end of a slab

A payload goes into the smallest slot that holds it. Up to 128 KiB the next smaller one is at most 1/9 of it away, so of
a slot at most 11.1 % is waste, for payloads of 57 bytes and more. What is larger consists of equal parts of a little
under 136 KiB (a blob with its proofs), so there are classes for one such part, two, three: whole pages each, and no
small payload gets between them before the arena is at its limit.
"""

from typing import Final

SLOT_BYTES_MIN: Final = 64
STEPS_PER_DOUBLING: Final = 8
FINE_BYTES_MAX: Final = 128 << 10
PART_BYTES: Final = 136 << 10


def slot_sizes(largest: int) -> tuple[int, ...]:
    """List the slot sizes in ascending order, none above `largest`; `bisect_left` with a payload's size finds its own.

    Raises:
        ValueError: not even the smallest slot fits.
    """
    if largest < SLOT_BYTES_MIN:
        msg = f"a slab of {largest} bytes holds no slot of {SLOT_BYTES_MIN}"
        raise ValueError(msg)
    sizes = [SLOT_BYTES_MIN]
    while (size := next_size(sizes[-1])) <= min(largest, FINE_BYTES_MAX):
        sizes.append(size)
    return (*sizes, *range(PART_BYTES, largest + 1, PART_BYTES))


def next_size(size: int) -> int:
    """Go one step up: an eighth of the power of two at or below `size`."""
    return size + (1 << size.bit_length() - 1) // STEPS_PER_DOUBLING
