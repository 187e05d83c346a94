"""Which slot sizes there are: eight equal steps to each doubling.

    64 72 80 .. 120 | 128 144 160 .. 240 | 256 288 .. | .. 2 MiB

A payload goes into the smallest slot that holds it. The next smaller one is at most 1/9 of it away, so of a slot at
most 11.1 % is waste, for payloads of 57 bytes and more.
"""

from typing import Final

SLOT_BYTES_MIN: Final = 64
SLOT_BYTES_MAX: Final = 2 << 20
STEPS_PER_DOUBLING: Final = 8


def slot_sizes(largest: int) -> tuple[int, ...]:
    """List the slot sizes in ascending order, none above `largest`; `bisect_left` with a payload's size finds its own.

    Raises:
        ValueError: not even the smallest slot fits.
    """
    if largest < SLOT_BYTES_MIN:
        msg = f"a slab of {largest} bytes holds no slot of {SLOT_BYTES_MIN}"
        raise ValueError(msg)
    sizes = [SLOT_BYTES_MIN]
    while (size := next_size(sizes[-1])) <= min(largest, SLOT_BYTES_MAX):
        sizes.append(size)
    return tuple(sizes)


def next_size(size: int) -> int:
    """Go one step up: an eighth of the power of two at or below `size`."""
    return size + (1 << size.bit_length() - 1) // STEPS_PER_DOUBLING
