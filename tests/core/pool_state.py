"""All of a pool's state as one number: equal before and after what must change nothing."""

from array import array
from hashlib import sha256
from typing import Final

import msgspec

from txpool.core.pool import Pool
from txpool.core.price_heap import PriceHeap
from txpool.history.digest import digest

_SELF_TOLD: Final = {"store", "events", "tallies", "prices", "index", "senders"}


def state_digest(pool: Pool) -> str:
    """Content, order within every map, price heaps, counters, events, what the store holds."""
    residents = pool._residents
    prices = residents.prices
    prices.get_ready(residents.slots)
    parts: list[object] = [
        digest(pool.events.since(0)),
        pool.events.next_seq,
        vars(residents.tallies),
        [(key, residents.index[key]) for key in residents.index],
        [(key, msgspec.structs.asdict(residents.senders[key])) for key in residents.senders],
        [
            (handle, residents.store.record(handle), residents.store.payload(handle))
            for handle in residents.index.values()
        ],
        residents.store.stats(),
        sorted((name, _price_part(value)) for name, value in vars(prices).items()),
        (pool._room.slots, pool._room.pushed_out),
        _blobs(pool),
        pool.settings,
        pool.head,
        [(name, value) for name, value in sorted(vars(residents).items()) if name not in _SELF_TOLD],
    ]
    return sha256(repr(parts).encode()).hexdigest()


def _price_part(value: object) -> object:
    if isinstance(value, PriceHeap):
        return bytes(value._packed)
    return repr(value) if isinstance(value, bool | int | array) else None


def _blobs(pool: Pool) -> list[object]:
    content = pool._blobs.content
    return [
        [(key, content.senders[key]) for key in content.senders],
        [(key, content.index[key]) for key in content.index],
        content.waiting,
        (content.waiting_count, content.stored, content.bytes),
        (content.limbo._entries, content.limbo._blocks),
        (content.order._heap, content.order._places),
    ]
