"""What each part of a pool takes: the memory that a resident transaction costs, by where it lies."""

import sys
from collections.abc import Iterable
from typing import Final, TypeVar

from txpool.core.eviction import PriceOrder
from txpool.core.late_eviction import LatePriceOrder
from txpool.core.nonce_map import NOTHING, NonceMap
from txpool.core.pool import Pool
from txpool.core.sender import Sender
from txpool.core.shards import SHARDS, Shards

V = TypeVar("V")
_ALIGNMENT: Final = 16  # of the interpreter's small blocks


def bytes_by_part(pool: Pool) -> dict[str, int]:
    """Bytes of the slots in use, the hash index, the sender index, and the order of prices."""
    residents = pool._residents  # noqa: SLF001 - a look at the inside is the purpose
    stats = pool.store.stats()
    return {
        "slot": stats.bytes_used + stats.bytes_wasted,
        "hash index": _tables(residents.index)
        + sum(_block(key) + _block(handle) for key, handle in _items(residents.index)),
        "sender index": _tables(residents.senders) + sum(_of_sender(*pair) for pair in _items(residents.senders)),
        "price order": _of_prices(residents.prices),
    }


def _of_sender(address: bytes, sender: Sender) -> int:
    fields = (address, sender, sender.balance)
    maps = [each for each in (sender.pending, sender.queued) if each is not NOTHING]
    packed = [part for each in maps if isinstance(each, NonceMap) for part in (each.packed, each.spent)]
    return sum(map(_block, (*fields, *maps, *packed)))


def _of_prices(order: PriceOrder | LatePriceOrder) -> int:
    if isinstance(order, LatePriceOrder):
        return len(order._by_tip._packed) + len(order._by_fee._packed)  # noqa: SLF001
    return len(order._urgent._packed) + len(order._floating._packed)  # noqa: SLF001


def _items(shards: Shards[V]) -> Iterable[tuple[bytes, V]]:
    for number in range(SHARDS):
        yield from shards.shard(number).items()


def _tables(shards: Shards[V]) -> int:
    return sum(sys.getsizeof(shards.shard(number)) for number in range(SHARDS))


def _block(thing: object) -> int:
    return -(-sys.getsizeof(thing) // _ALIGNMENT) * _ALIGNMENT
