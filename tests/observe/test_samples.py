from txpool.observe.samples import SECONDS_KEPT, Samples
from txpool.observe.tags import Source


def taken(count: int, every_s: float = 1.0) -> Samples:
    """So many rows, the n-th at n seconds with n bytes."""
    samples = Samples(every_s)
    for number in range(count):
        samples.next().write(number, number, 0, (0, 0, 0, 0), [])
    return samples


def test_a_look_back_finds_the_newest_row_that_is_old_enough() -> None:
    samples = taken(4)

    assert [samples.back(at).heap for at in (3, 2.9, 2, 0.5, 0)] == [3, 2, 2, 0, 0]


def test_further_back_than_anything_was_seen_lies_the_oldest_row() -> None:
    assert taken(2).back(-1).heap == 0
    assert taken(100).back(-1).heap == 100 - (SECONDS_KEPT + 2)


def test_five_seconds_are_kept_however_long_it_goes_on() -> None:
    samples = taken(1000)

    assert samples.taken == 1000
    assert samples.back(999 - SECONDS_KEPT).heap == 999 - SECONDS_KEPT


def test_a_row_holds_what_the_sources_had_done() -> None:
    source = Source("query", "eth_call")
    source.calls, source.seconds, source.collections = 3, 0.5, 2
    row = Samples(1.0).next()
    row.write(1.0, 7, 5, (1, 2, 3, 4), [source])
    source.calls = 9

    assert (row.calls[0], row.seconds[0], row.collections[0], row.evicted) == (3, 0.5, 2, 5)
    assert list(row.stages) == [1, 2, 3, 4]
