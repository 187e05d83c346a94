"""The slab pool beside a model too simple to be wrong: a dict of payloads, and places searched from the start."""

import mmap
from bisect import bisect_left
from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from mmap_pool import Arena, DoubleFreeError, Lease, OutOfRangeError, OversizedError, SlabPool, StaleHandleError
from mmap_pool.handle import GENERATION_MAX, pack, unpack
from mmap_pool.size_class import slot_sizes

SLAB_BYTES = mmap.PAGESIZE
SLABS = 3
SIZES = slot_sizes(SLAB_BYTES)

# Few slots a slab, several classes, the edges of each: full slabs and changes of class come soon.
LENGTHS = st.sampled_from([0, 1024, 1025, 2000, 2048, 4096])


@dataclass
class ModelSlab:
    """What a slab is to the model: generation, and what is in the way of reuse, slot by slot."""

    slot_bytes: int
    generations: list[int]
    live: set[int] = field(default_factory=set)
    loans: dict[int, int] = field(default_factory=dict)

    def is_free(self, slot: int) -> bool:
        """Whether a put may take the slot."""
        return slot not in self.live and slot not in self.loans and self.generations[slot] < GENERATION_MAX

    def is_empty(self) -> bool:
        """Whether a put may take any slot."""
        return all(self.is_free(slot) for slot in range(len(self.generations)))


class SlabPoolBesideADict(RuleBasedStateMachine):
    """Three slabs of a page each; keys expire, places are always the lowest."""

    first_generation = 0

    handles = Bundle("handles")
    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.arena = Arena(SLABS * SLAB_BYTES, slab_bytes=SLAB_BYTES)
        self.pool = SlabPool(self.arena, first_generation=self.first_generation)
        self.slabs: list[ModelSlab] = []
        self.live: dict[int, bytes] = {}
        self.issued: set[int] = set()
        self.on_loan: list[tuple[Lease, bytes]] = []
        self.high_water = 0

    def teardown(self) -> None:
        for lease, _ in self.on_loan:
            lease.release()
        self.arena.close()

    def new_slab(self, slot_bytes: int, generation: int) -> ModelSlab:
        return ModelSlab(slot_bytes, [generation] * (SLAB_BYTES // slot_bytes))

    def lowest_place(self, length: int) -> tuple[int, int] | None:
        """Find where a payload of this length must go, and make a slab for it if that is what it takes."""
        slot_bytes, *larger = SIZES[bisect_left(SIZES, length) :]
        if place := self.lowest_free(slot_bytes):
            return place
        if len(self.slabs) < SLABS:
            self.slabs.append(self.new_slab(slot_bytes, self.first_generation))
            return len(self.slabs) - 1, 0
        for number, slab in enumerate(self.slabs):
            if slab.is_empty() and max(slab.generations) <= GENERATION_MAX // 2:
                self.slabs[number] = self.new_slab(slot_bytes, max(slab.generations))
                return number, 0
        return next(filter(None, map(self.lowest_free, larger)), None)

    def lowest_free(self, slot_bytes: int) -> tuple[int, int] | None:
        """Find the lowest free slot among the slabs of one size class."""
        for number, slab in enumerate(self.slabs):
            if slab.slot_bytes == slot_bytes:
                for slot in range(len(slab.generations)):
                    if slab.is_free(slot):
                        return number, slot
        return None

    @rule(target=handles, length=LENGTHS, fill=st.integers(0, 255), cut=st.integers(0, 4096))
    def put(self, length: int, fill: int, cut: int) -> object:
        payload = bytes([fill]) * length
        place = self.lowest_place(length)

        handle = self.pool.put(payload[:cut], payload[cut:])

        if handle is None:
            assert place is None
            return multiple()
        generation, number, slot = unpack(handle)
        assert (number, slot) == place
        assert 0 < handle < 2**64
        assert handle not in self.issued, "two payloads of one name"
        slab = self.slabs[number]
        slab.generations[slot] += 1
        assert generation == slab.generations[slot]
        slab.live.add(slot)
        self.issued.add(handle)
        self.live[handle] = payload
        self.high_water = max(self.high_water, len(self.live))
        return handle

    @rule(handle=handles)
    def free(self, handle: int) -> None:
        generation, number, slot = unpack(handle)
        if self.live.pop(handle, None) is not None:
            self.pool.free(handle)
            self.slabs[number].live.discard(slot)
            return
        slab = self.slabs[number]
        not_taken_since = slot < len(slab.generations) and slab.generations[slot] == generation
        with pytest.raises(StaleHandleError) as caught:
            self.pool.free(handle)
        assert isinstance(caught.value, DoubleFreeError) == not_taken_since

    @rule(handle=handles, size=st.integers(0, 5000))
    def read(self, handle: int, size: int) -> None:
        payload = self.live.get(handle)
        assert self.pool.holds(handle) == (payload is not None)
        if payload is None:
            for call in (self.pool.read, self.pool.view, lambda handle: self.pool.head(handle, 1)):
                with pytest.raises(StaleHandleError):
                    call(handle)
        else:
            assert self.pool.head(handle, size) == payload[:size]
            assert self.pool.read(handle, size) == payload[size:]

    @rule(target=leases, handle=handles, skip=st.integers(0, 100))
    def lend(self, handle: int, skip: int) -> object:
        if handle not in self.live:
            return multiple()
        _, number, slot = unpack(handle)
        loan = (self.pool.view(handle, skip), self.live[handle][skip:])
        self.on_loan.append(loan)
        loans = self.slabs[number].loans
        loans[slot] = loans.get(slot, 0) + 1
        return loan, number, slot

    @rule(lease=consumes(leases))
    def give_back(self, lease: tuple[tuple[Lease, bytes], int, int]) -> None:
        loan, number, slot = lease
        loan[0].release()
        self.on_loan.remove(loan)
        loans = self.slabs[number].loans
        loans[slot] -= 1
        if not loans[slot]:
            del loans[slot]

    @rule(handle=st.one_of(st.integers(-(2**65), 2**65), st.builds(pack, *[st.integers(0, 5)] * 3)))
    def try_a_handle_of_ones_own(self, handle: int) -> None:
        if handle in self.issued:
            return
        generation = unpack(handle).generation
        assert not self.pool.holds(handle)
        # A slab that changed its class has forgotten which slots it had before, not which generations.
        forgotten = 0 < generation <= max((max(slab.generations) for slab in self.slabs), default=0)
        for call in (self.pool.read, self.pool.view, self.pool.free):
            with pytest.raises((OutOfRangeError, StaleHandleError) if forgotten else OutOfRangeError):
                call(handle)

    @rule(excess=st.integers(1, 1000))
    def put_too_much(self, excess: int) -> None:
        with pytest.raises(OversizedError):
            self.pool.put(bytes(SLAB_BYTES), bytes(excess))

    @invariant()
    def agree(self) -> None:
        self.pool.check()
        assert {handle: self.pool.read(handle) for handle in self.live} == self.live
        assert all(bytes(lease.view) == payload for lease, payload in self.on_loan)

    @invariant()
    def count(self) -> None:
        stats = self.pool.stats()
        slots = [(slab, slot) for slab in self.slabs for slot in range(len(slab.generations))]
        dead = [(slab, slot) for slab, slot in slots if slot not in slab.live]
        assert stats.slots_used == len(self.live)
        assert stats.slots_free == sum(slab.is_free(slot) for slab, slot in slots)
        assert stats.slots_lent == sum(slot in slab.loans for slab, slot in dead)
        assert stats.slots_used + stats.slots_free + stats.slots_lent + stats.slots_retired == len(slots)
        assert stats.bytes_used == sum(map(len, self.live.values()))
        assert stats.bytes_used + stats.bytes_wasted == sum(len(slab.live) * slab.slot_bytes for slab in self.slabs)
        assert stats.bytes_reserved == len(self.slabs) * SLAB_BYTES
        assert stats.high_water_slots == self.high_water


class WornSlabPoolBesideADict(SlabPoolBesideADict):
    """The same two lives before every slot retires."""

    first_generation = GENERATION_MAX - 2


TestSlabPool = SlabPoolBesideADict.TestCase
TestWornSlabPool = WornSlabPoolBesideADict.TestCase
