"""Gives pages that hold nothing back to the system, at a pace of its own: never inside a put or a free.

Rounds go over the slabs from below, a slab a step. Of each size class the lowest free pages are kept, a share of what
its live slots take: there the next payloads go, so a pool that is emptied and refilled by some percent again and again
touches neither this nor a page fault. All above goes back.

Pages of the system's reserve (`HUGETLB`) stay: they were set aside for the arena at the start, and one that is given
back may be another process's when it is wanted again, which would be an error in the middle of a put.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from mmap_pool.arena import STEP_BYTES
from mmap_pool.pages import Pages
from mmap_pool.pool import SlabPool
from mmap_pool.slab import Slab

KEEP_SHARE: Final = 0.1  # as much as Go's keeps above its goal
SLICE_S: Final = 0.0005  # a slab on top of that takes a millisecond at most, or little more


class Survey(NamedTuple):
    """What a round found and left, in bytes.

    Attributes:
        populated: what the slabs held when they were visited, after the return.
        stranded: free bytes of it that cannot go back, since something lives on their page, or is lent.
        kept: free pages that could have gone.
    """

    populated: int = 0
    stranded: int = 0
    kept: int = 0

    @property
    def fragmentation(self) -> float:
        """The part of what is held that is free and cannot be returned."""
        return self.stranded / self.populated if self.populated else 0.0


class Scavenger:
    """Walks a pool; one writer, the pool's own.

    Attributes:
        keep_share: free pages that stay, by the bytes of live slots.
        keep_bytes: the least that stays of a class with anything in it.
        survey: of the last full round.
        rounds: how many there were.
    """

    def __init__(self, pool: SlabPool, *, keep_share: float = KEEP_SHARE, keep_bytes: int = STEP_BYTES) -> None:
        """Begin at the lowest slab.

        Args:
            pool: whose pages go back.
            keep_share: see above.
            keep_bytes: see above.
        """
        self.keep_share = keep_share
        self.keep_bytes = keep_bytes
        self.survey = Survey()
        self.rounds = 0
        self._pool = pool
        self._next = 0
        self._allowances: dict[int, int] = {}  # by size class, what may still be kept in this round
        self._found = Survey()

    @property
    def returned_bytes(self) -> int:
        """What was ever given back."""
        return self._pool.arena.returned_bytes

    def work(self, clock: Callable[[], float], seconds: float = SLICE_S) -> bool:
        """Visit slabs until the time is up, at least one.

        Returns:
            Whether the round has come to its end.
        """
        until = clock() + seconds
        while self.visit():
            if clock() >= until:
                return False
        return True

    def visit(self) -> bool:
        """Take the next slab; False behind the last one, where the next round begins."""
        slab = self._pool.slab(self._next)
        if slab is None:
            self.survey = self._found
            self._begin_round()
            self.rounds += 1
            return False
        self._next += 1
        self._treat(slab)
        return True

    @contextmanager
    def keeping_nothing(self) -> Iterator[None]:
        """Begin a round that leaves no free page; behind it, one that keeps some as before."""
        kept = self.keep_share, self.keep_bytes
        self.keep_share, self.keep_bytes = 0.0, 0
        self._begin_round()
        try:
            yield
        finally:
            self.keep_share, self.keep_bytes = kept
            self._begin_round()

    def _begin_round(self) -> None:
        """Begin at the lowest slab, wherever it was."""
        self._next = 0
        self._allowances.clear()
        self._found = Survey()

    def _treat(self, slab: Slab) -> None:
        arena = self._pool.arena
        free = slab.free_pages()
        kept = self._kept(slab, free.bit_count()) if free else 0
        if arena.kind is not Pages.HUGETLB:
            slab.give_back_pages(_without_lowest(free, kept))
            free_bytes = kept * arena.page_bytes
        else:
            free_bytes = free.bit_count() * arena.page_bytes
        present = arena.present(slab.number).bit_count() * arena.page_bytes
        populated, stranded, before = self._found
        unused = max(present - free_bytes - slab.used * slab.slot_bytes, 0)
        self._found = Survey(populated + present, stranded + unused, before + free_bytes)

    def _kept(self, slab: Slab, pages: int) -> int:
        """How many of so many free pages stay, out of what its size class is allowed."""
        page_bytes = self._pool.arena.page_bytes
        allowed = self._allowances.get(slab.slot_bytes)
        if allowed is None:
            allowed = self._allowance(slab.slot_bytes)
        kept = min(pages, allowed // page_bytes)
        self._allowances[slab.slot_bytes] = allowed - kept * page_bytes
        return kept

    def _allowance(self, slot_bytes: int) -> int:
        live = self._pool.live_slots(slot_bytes) * slot_bytes
        return max(int(live * self.keep_share), self.keep_bytes) if live else 0


def _without_lowest(bits: int, count: int) -> int:
    for _ in range(count):
        bits &= bits - 1
    return bits
