"""What goes back to the system, what stays, and who pays for it."""

import mmap
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from mmap_pool import Arena, Pages, Scavenger, SlabPool
from tests.outside import ROOT, tool

PAGE = mmap.PAGESIZE
SLAB_BYTES = 64 * PAGE
SLOT_BYTES = 1024
SLOTS_A_SLAB = SLAB_BYTES // SLOT_BYTES
SLOTS_A_PAGE = PAGE // SLOT_BYTES


@pytest.fixture
def arena() -> Arena:
    return Arena(16 * SLAB_BYTES, slab_bytes=SLAB_BYTES, step_bytes=4 * PAGE, ask=Pages.NORMAL)


def fill(pool: SlabPool, count: int, *, fill_byte: bytes = b"x") -> list[int]:
    handles = [pool.put(fill_byte * SLOT_BYTES) for _ in range(count)]
    assert all(handles)
    return [handle for handle in handles if handle]


def finish_round(scavenger: Scavenger) -> int:
    """Go on to the end of the round; what that returned."""
    before = scavenger.returned_bytes
    while scavenger.visit():
        pass
    return scavenger.returned_bytes - before


def file_bytes(arena: Arena) -> int:
    return os.fstat(arena.fd).st_blocks * 512


def test_what_is_wholly_free_goes_back_and_comes_again(arena: Arena) -> None:
    pool = SlabPool(arena)
    handles = fill(pool, 3 * SLOTS_A_SLAB)
    for handle in handles[: 2 * SLOTS_A_SLAB]:
        pool.free(handle)
    scavenger = Scavenger(pool, keep_share=0.0, keep_bytes=0)

    assert finish_round(scavenger) == 2 * SLAB_BYTES
    assert file_bytes(arena) == arena.populated_bytes == arena.report().resident_bytes == SLAB_BYTES
    assert pool.stats().bytes_populated == SLAB_BYTES

    again = fill(pool, 2 * SLOTS_A_SLAB, fill_byte=b"y")
    assert file_bytes(arena) == arena.populated_bytes == 3 * SLAB_BYTES
    assert all(pool.read(handle) == b"y" * SLOT_BYTES for handle in again)
    assert all(pool.read(handle) == b"x" * SLOT_BYTES for handle in handles[2 * SLOTS_A_SLAB :])
    arena.close()


def test_a_page_with_one_live_slot_stays(arena: Arena) -> None:
    pool = SlabPool(arena)
    handles = fill(pool, SLOTS_A_SLAB)
    for handle in (handle for place, handle in enumerate(handles) if place % SLOTS_A_PAGE):
        pool.free(handle)
    scavenger = Scavenger(pool, keep_share=0.0, keep_bytes=0)

    assert finish_round(scavenger) == 0
    assert scavenger.survey.fragmentation == (SLOTS_A_PAGE - 1) / SLOTS_A_PAGE
    arena.close()


def test_a_page_on_loan_stays_until_it_is_given_back(arena: Arena) -> None:
    pool = SlabPool(arena)
    lent, *others = fill(pool, SLOTS_A_PAGE)
    lease = pool.view(lent)
    for handle in (lent, *others):
        pool.free(handle)
    scavenger = Scavenger(pool, keep_share=0.0, keep_bytes=0)

    assert finish_round(scavenger) == 3 * PAGE  # the rest of the step
    assert bytes(lease.view) == b"x" * SLOT_BYTES
    lease.release()
    assert finish_round(scavenger) == PAGE
    arena.close()


def test_the_lowest_free_pages_are_kept_for_the_next_payloads(arena: Arena) -> None:
    pool = SlabPool(arena)
    handles = fill(pool, 4 * SLOTS_A_SLAB)
    for handle in handles[: 2 * SLOTS_A_SLAB]:
        pool.free(handle)
    scavenger = Scavenger(pool, keep_share=0.25, keep_bytes=0)
    kept = 2 * SLAB_BYTES // 4

    assert finish_round(scavenger) == 2 * SLAB_BYTES - kept
    assert scavenger.survey.kept == kept
    assert arena.present(0) == (1 << kept // PAGE) - 1
    before = arena.populated_bytes
    fill(pool, kept // SLOT_BYTES)
    assert arena.populated_bytes == before
    arena.close()


def test_a_class_with_nothing_in_it_keeps_nothing(arena: Arena) -> None:
    pool = SlabPool(arena)
    for handle in fill(pool, SLOTS_A_SLAB):
        pool.free(handle)
    scavenger = Scavenger(pool)

    assert finish_round(scavenger) == SLAB_BYTES
    assert file_bytes(arena) == 0
    arena.close()


def test_behind_a_round_that_keeps_nothing_one_begins_that_keeps_some(arena: Arena) -> None:
    pool = SlabPool(arena)
    for handle in fill(pool, 3 * SLOTS_A_SLAB)[: 2 * SLOTS_A_SLAB]:
        pool.free(handle)
    scavenger = Scavenger(pool, keep_share=0.0, keep_bytes=PAGE)

    with scavenger.keeping_nothing():
        scavenger.visit()
    assert scavenger.returned_bytes == SLAB_BYTES

    assert finish_round(scavenger) == SLAB_BYTES - PAGE
    assert scavenger.survey == (SLAB_BYTES + PAGE, 0, PAGE)
    arena.close()


def test_a_slice_ends_with_its_time_and_the_next_goes_on(arena: Arena) -> None:
    pool = SlabPool(arena)
    for handle in fill(pool, 4 * SLOTS_A_SLAB):
        pool.free(handle)
    scavenger = Scavenger(pool, keep_share=0.0, keep_bytes=0)
    seconds = iter(range(100))

    def clock() -> float:
        return float(next(seconds))

    assert not scavenger.work(clock, 2.0)
    assert scavenger.returned_bytes == 2 * SLAB_BYTES
    assert not scavenger.work(clock, 0.0)
    assert scavenger.returned_bytes == 3 * SLAB_BYTES
    assert scavenger.rounds == 0
    assert scavenger.work(clock, 50.0)
    assert scavenger.returned_bytes == 4 * SLAB_BYTES
    assert scavenger.rounds == 1
    arena.close()


def test_pages_that_come_again_come_a_step_at_a_time(arena: Arena) -> None:
    pool = SlabPool(arena)
    for handle in fill(pool, SLOTS_A_SLAB):
        pool.free(handle)
    finish_round(Scavenger(pool))

    for count in range(SLOTS_A_SLAB):
        steps = -(-(count + 1) // (4 * SLOTS_A_PAGE))
        fill(pool, 1)
        assert file_bytes(arena) == arena.populated_bytes == steps * 4 * PAGE
    arena.close()


def test_holes_between_live_pages_are_filled_without_touching_these(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = SlabPool(arena)
    handles = fill(pool, SLOTS_A_SLAB)
    odd = [handle for place, handle in enumerate(handles) if place // SLOTS_A_PAGE % 2]
    for handle in set(handles) - set(odd):
        pool.free(handle)
    assert finish_round(Scavenger(pool, keep_share=0.0, keep_bytes=0)) == SLAB_BYTES // 2
    # As on a kernel that cannot populate: then pages are written to.
    monkeypatch.setattr("mmap_pool.arena._MADV_POPULATE_WRITE", 9999)

    even = fill(pool, SLOTS_A_SLAB // 2, fill_byte=b"y")

    assert all(pool.read(handle) == b"x" * SLOT_BYTES for handle in odd)
    assert all(pool.read(handle) == b"y" * SLOT_BYTES for handle in even)
    assert file_bytes(arena) == arena.populated_bytes == SLAB_BYTES
    pool.check()
    arena.close()


def test_lowest_first_and_scavenging_heal_a_slab_after_a_random_eviction() -> None:
    """In small what `bench returning` measures with a million."""
    slots, page_slots = 40_000, PAGE // 128
    with Arena(slots * 128, slab_bytes=100 * PAGE, step_bytes=4 * PAGE, ask=Pages.NORMAL) as arena:
        pool, chance = SlabPool(arena), random.Random(7)
        handles = [pool.put(bytes(128)) for _ in range(slots)]
        full = file_bytes(arena)
        chance.shuffle(handles)
        scavenger = Scavenger(pool, keep_bytes=PAGE)
        live = [handle for handle in handles if handle]
        for handle in live[slots // 10 :]:
            pool.free(handle)
        del live[slots // 10 :]
        finish_round(scavenger)
        assert file_bytes(arena) > full * (1 - 0.9**page_slots) * 0.95  # hardly a page was free

        for replacement in range(slots // 10 * 4):
            place = chance.randrange(len(live))
            pool.free(live[place])
            newcomer = pool.put(bytes(128))
            assert newcomer
            live[place] = newcomer
            if replacement % 500 == 0:
                finish_round(scavenger)
        finish_round(scavenger)

        assert file_bytes(arena) <= 0.3 * full


TRACED = """
import os
from mmap_pool import Arena, Pages, Scavenger, SlabPool

arena = Arena(64 << 20, ask=Pages.NORMAL)
pool = SlabPool(arena)
os.access("/mark/inserts", 0)
for _ in range(5):
    for handle in [pool.put(bytes(1000)) for _ in range(9000)]:
        pool.free(handle)
os.access("/mark/inserts end", 0)
scavenger = Scavenger(pool)
while scavenger.visit():
    pass
assert scavenger.returned_bytes
os.access("/mark/end", 0)
"""


def test_no_system_call_of_the_insert_path_returns_a_page(tmp_path: Path) -> None:
    strace = tool("strace")
    trace = tmp_path / "trace"
    command = [str(strace), "-f", "-o", str(trace), "-e", "trace=madvise,fallocate,munmap,ftruncate,access,faccessat2"]

    subprocess.run([*command, sys.executable, "-c", TRACED], cwd=ROOT, check=True)

    _, inserts, after = trace.read_text().split("/mark/inserts", 2)
    between = [line for line in inserts.splitlines() if "MADV" in line]
    assert between, "the trace shows no page being populated either"
    for call in ("MADV_REMOVE", "MADV_DONTNEED", "MADV_FREE", "fallocate", "ftruncate"):
        assert call not in inserts
    assert "MADV_REMOVE" in after
