"""How often the memory of a transaction that has left serves another."""

from collections.abc import Callable, Mapping

from txpool.observe.page import Family, counters, gauge


def reuse_families(counts: Callable[[], tuple[int, int]]) -> list[Family]:
    """What came of the puts of a store whose slots or buffers are used again; `counts` gives all, and the reused."""

    def taken() -> tuple[int, int]:
        puts, reused = counts()
        return reused, puts - reused

    def ratio() -> float:
        puts, reused = counts()
        return reused / puts if puts else 0.0

    return [
        counters(
            "txpool_buffers_taken_total",
            "Slots or buffers taken for transactions: used before, or fresh.",
            [{"state": "used"}, {"state": "fresh"}],
            taken,
        ),
        gauge(
            "txpool_buffer_reuse_ratio",
            "Share of transactions, since the start, that took a used slot or buffer.",
            ratio,
        ),
    ]


def cache_family(read: Callable[[], Mapping[str, int]], results: tuple[str, ...]) -> Family:
    """Where an object cache found what it was asked for."""
    return counters(
        "txpool_cache_gets_total",
        "Buffers asked of the object cache, by where they were found; a miss makes a new one.",
        [{"result": result} for result in results],
        lambda: tuple(map(read().__getitem__, results)),
    )
