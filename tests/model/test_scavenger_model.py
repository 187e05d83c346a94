"""The scavenger beside a dict of payloads and a count, page by page, of who lies on it."""

import mmap
import os

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from mmap_pool import Arena, Lease, Pages, Scavenger, SlabPool
from mmap_pool.handle import unpack

PAGE = mmap.PAGESIZE
SLAB_BYTES = 8 * PAGE
SLABS = 3

# Many slots a page, slots that straddle pages, slots of several pages.
LENGTHS = st.sampled_from([500, 1500, 3000, 5000, 9000, 16384])


class ScavengedPool(RuleBasedStateMachine):
    """Payloads come and go, some on loan; what the scavenger takes must be nobody's, and must be all."""

    keep_bytes = 0

    handles = Bundle("handles")
    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.arena = Arena(SLABS * SLAB_BYTES, slab_bytes=SLAB_BYTES, step_bytes=2 * PAGE, ask=Pages.NORMAL)
        self.pool = SlabPool(self.arena)
        self.scavenger = Scavenger(self.pool, keep_share=0.0, keep_bytes=self.keep_bytes)
        self.live: dict[int, bytes] = {}
        self.on_loan: list[tuple[Lease, bytes, int]] = []
        self.returned = 0

    def teardown(self) -> None:
        for lease, *_ in self.on_loan:
            lease.release()
        self.arena.close()

    @property
    def file_bytes(self) -> int:
        return os.fstat(self.arena.fd).st_blocks * 512

    def pages_in_use(self) -> int:
        """The pages on which a live or lent slot has a byte."""
        pages = set()
        for handle in {*self.live, *(handle for *_, handle in self.on_loan)}:
            _, number, slot = unpack(handle)
            slab = self.pool.slab(number)
            assert slab
            start = number * SLAB_BYTES + slot * slab.slot_bytes
            pages |= set(range(start // PAGE, (start + slab.slot_bytes - 1) // PAGE + 1))
        return len(pages)

    @rule(target=handles, length=LENGTHS, seed=st.integers(0, 255))
    def put(self, length: int, seed: int) -> object:
        payload = bytes([seed, 255 - seed]) * (length // 2)
        returned = self.arena.returned_bytes
        before = self.file_bytes
        handle = self.pool.put(payload)
        assert self.arena.returned_bytes == returned
        assert self.file_bytes >= before, "a page went back inside a put"
        if handle is None:
            return multiple()
        self.live[handle] = payload
        return handle

    @rule(handle=consumes(handles))
    def free(self, handle: int) -> None:
        before = self.file_bytes
        del self.live[handle]
        self.pool.free(handle)
        assert self.file_bytes == before, "a page went back inside a free"

    @rule(target=leases, handle=handles)
    def lend(self, handle: int) -> object:
        loan = (self.pool.view(handle), self.live[handle], handle)
        self.on_loan.append(loan)
        return loan

    @rule(lease=consumes(leases))
    def give_back(self, lease: tuple[Lease, bytes, int]) -> None:
        self.on_loan.remove(lease)
        lease[0].release()

    @rule()
    def scavenge_one_slab(self) -> None:
        self.scavenger.visit()

    @rule()
    def scavenge(self) -> None:
        self.finish_round()  # one that other rules may have begun
        self.finish_round()
        before = self.file_bytes

        self.finish_round()

        self.after_a_round(before)

    def finish_round(self) -> None:
        while self.scavenger.visit():
            pass

    def after_a_round(self, before: int) -> None:
        """A round left exactly the pages in use, so another one had nothing to do."""
        assert self.file_bytes == before == self.pages_in_use() * PAGE
        assert self.scavenger.survey.populated == self.file_bytes
        assert self.scavenger.survey.kept == 0

    @invariant()
    def agree(self) -> None:
        self.pool.check()
        assert self.arena.populated_bytes == self.file_bytes
        assert self.arena.returned_bytes >= self.returned
        self.returned = self.arena.returned_bytes
        assert {handle: self.pool.read(handle) for handle in self.live} == self.live
        assert all(bytes(lease.view) == payload for lease, payload, _ in self.on_loan)


class SparinglyScavengedPool(ScavengedPool):
    """The same with a page kept of every class in use."""

    keep_bytes = PAGE

    def after_a_round(self, before: int) -> None:
        used = self.pages_in_use() * PAGE
        assert used <= self.file_bytes <= before
        assert self.file_bytes == used + self.scavenger.survey.kept
        assert self.scavenger.survey.kept <= PAGE * sum(each.slots_used > 0 for each in self.pool.stats().classes)


TestScavengedPool = ScavengedPool.TestCase
TestSparinglyScavengedPool = SparinglyScavengedPool.TestCase
