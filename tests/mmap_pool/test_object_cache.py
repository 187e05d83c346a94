import gc
import sys
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from queue import SimpleQueue
from threading import Barrier

import pytest

from mmap_pool.object_cache import Aging, Gets, ObjectCache, added


class Thing:
    """Whatever is worth keeping."""


@pytest.fixture
def cache() -> ObjectCache[Thing]:
    return ObjectCache(Thing)


@pytest.fixture
def other_thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


def test_what_was_put_last_but_one_waits_behind_the_private_place(cache: ObjectCache[Thing]) -> None:
    first, second, third = cache.get(), cache.get(), cache.get()
    for thing in (first, second, third):
        cache.put(thing)

    assert [cache.get() for _ in range(3)] == [first, third, second]
    assert cache.gets() == Gets(private=1, shared=2, miss=3)


def test_a_thief_gets_the_oldest_of_the_queue_and_never_what_is_private(
    cache: ObjectCache[Thing], other_thread: ThreadPoolExecutor
) -> None:
    things = [cache.get() for _ in range(4)]
    for thing in things:
        cache.put(thing)

    stolen = [other_thread.submit(cache.get).result() for _ in range(4)]

    assert stolen[:3] == things[1:]
    assert stolen[3] not in things
    assert cache.gets() == Gets(stolen=3, miss=5)
    assert cache.get() is things[0]


def test_what_nobody_takes_lives_through_one_collection_and_not_through_two(cache: ObjectCache[Thing]) -> None:
    things = [cache.get() for _ in range(3)]
    living = [weakref.ref(thing) for thing in things]
    for thing in things:
        cache.put(thing)
    del thing, things

    cache.age()
    assert all(each() for each in living)
    taken = cache.get()
    cache.age()

    assert [each() for each in living if each()] == [taken]
    assert cache.idle == 0
    assert cache.gets() == Gets(victim=1, miss=3)


def test_once_the_victims_were_looked_through_in_vain_nobody_looks_again(
    cache: ObjectCache[Thing], other_thread: ThreadPoolExecutor
) -> None:
    """As in Go: another's private victim is then lost to its owner, too."""
    cache.put(cache.get())
    cache.age()

    other_thread.submit(cache.get).result()
    cache.get()

    assert cache.gets() == Gets(miss=3)


class Counted(Thing):
    """Knows how many use it."""

    users = 0


def test_threads_that_steal_from_each_other_never_share_an_object() -> None:
    """Everything at once: some only put, some only steal, and a collector makes victims of what lies there."""
    putters, thieves, turns = 3, 3, 2_000
    made = count()
    cache: ObjectCache[Counted] = ObjectCache(lambda: (next(made), Counted())[1])
    used: SimpleQueue[Counted | None] = SimpleQueue()
    begin = Barrier(putters + thieves)

    def put_what_was_used() -> None:
        for thing in [cache.get() for _ in range(100)]:
            cache.put(thing)
        begin.wait()
        while back := used.get():
            back.users -= 1
            cache.put(back)

    def steal(number: int) -> list[int]:
        begin.wait()
        users = []
        for turn in range(turns):
            thing = cache.get()
            thing.users += 1
            users.append(thing.users)
            used.put(thing)
            if number == 0 and turn % 500 == 499:
                cache.age()
        return users

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(putters + thieves) as threads:
            putting = [threads.submit(put_what_was_used) for _ in range(putters)]
            users = [each for many in threads.map(steal, range(thieves)) for each in many]
            for _ in putting:
                used.put(None)
    finally:
        sys.setswitchinterval(interval)

    counted = cache.gets()
    assert set(users) == {1}
    assert sum(counted) == len(users) + 100 * putters == thieves * turns + 100 * putters
    assert counted.private == counted.shared == 0, "who steals has nothing of its own"
    assert counted.stolen >= 99, "what was there before the thieves began"
    assert counted.miss == next(made)


def test_a_thread_that_has_run_dry_steals_what_another_has_put(
    cache: ObjectCache[Thing], other_thread: ThreadPoolExecutor
) -> None:
    def fill() -> None:
        for thing in [cache.get() for _ in range(100)]:
            cache.put(thing)

    other_thread.submit(fill).result()
    taken = [cache.get() for _ in range(120)]

    assert len(set(map(id, taken))) == 120
    assert cache.gets() == Gets(stolen=99, miss=100 + 21)


def test_a_collection_in_the_middle_of_a_put_gives_nothing_out_twice() -> None:
    """Every new container may set one off: here every one does."""
    cache: ObjectCache[Thing] = ObjectCache(Thing)
    aging = Aging([cache], generation=0)
    thresholds = gc.get_threshold()
    aging.start()
    gc.set_threshold(1)
    try:
        for _ in range(500):
            things = [cache.get() for _ in range(4)]
            assert len(set(map(id, things))) == 4
            for thing in things:
                cache.put(thing)
    finally:
        gc.set_threshold(*thresholds)
        aging.stop()

    assert aging.times > 0
    assert sum(cache.gets()) == 2_000


@pytest.mark.parametrize(("generation", "ages_at"), [(0, 3), (1, 2), (2, 1)])
def test_only_collections_of_its_generation_and_older_ones_age_a_cache(generation: int, ages_at: int) -> None:
    aging = Aging((), generation)

    for each in range(3):
        aging("start", {"generation": each})
        aging("stop", {"generation": each})

    assert aging.times == ages_at


def test_a_full_collection_ages_every_cache_until_it_is_stopped(cache: ObjectCache[Thing]) -> None:
    aging = Aging([cache])
    aging.start()
    cache.put(cache.get())

    gc.collect()
    kept = cache.idle
    gc.collect()
    dropped = cache.idle
    aging.stop()
    aging.stop()
    cache.put(cache.get())
    gc.collect()
    gc.collect()

    assert (kept, dropped, cache.idle) == (1, 0, 1)


def test_counts_add_up() -> None:
    assert added([]) == Gets()
    assert added([Gets(1, 2, 3, 4, 5), Gets(miss=1)]) == Gets(1, 2, 3, 4, 6)
