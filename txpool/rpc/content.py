"""All that is in the pool as one JSON text, told bit by bit while the pool goes on.

What is shown is no snapshot: senders are those of the beginning, and a sender's transactions those of the moment when
the telling comes to it. Whatever leaves before its turn is left out; what moves between pending and queued meanwhile
may be in both parts or in neither. Order is geth's: senders by their spelling with checksum, nonces as text.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import pairwise

from txpool.core.address import checksum_address
from txpool.core.nonce_map import NOTHING, NonceMap
from txpool.core.pool import Pool
from txpool.core.store import StaleHandleError, Store
from txpool.rpc.quick_render import inspected_text, transaction_text

# Tells the transaction behind a handle, of a sender written with 0x; nothing of one that has left.
Show = Callable[[int, str], str]
PartOf = Callable[[Pool, bytes], NonceMap]

_SORTED_MAX = 512  # nonces of a sender that are sorted at once


def whole_transactions(store: Store) -> Show:
    """Transactions as objects."""

    def show(handle: int, sender: str) -> str:
        try:
            return transaction_text(store.payload(handle), sender, store.record(handle)[:32].hex())
        except StaleHandleError:
            return ""

    return show


def lines_for_people(store: Store) -> Show:
    """Transactions in a line each."""

    def show(handle: int, _sender: str) -> str:
        try:
            return inspected_text(store.payload(handle))
        except StaleHandleError:
            return ""

    return show


def of_everyone(pool: Pool, show: Show) -> Iterator[str]:
    """The pool's content by sender and nonce."""
    yield '{"pending":{'
    yield from _part(pool, pool.pending_senders_in_steps(), _pending, show)
    yield '},"queued":{'
    yield from _part(pool, iter((pool.queued_senders(),)), _queued, show)
    yield "}}"


def of_one(pool: Pool, address: bytes, show: Show) -> Iterator[str]:
    """What the pool holds of a sender, by nonce."""
    pending, queued = _copy(_pending(pool, address)), _copy(_queued(pool, address))
    sender = f"0x{address.hex()}"
    yield '{"pending":{'
    yield from _by_nonce(pending, sender, show, "")
    yield '},"queued":{'
    yield from _by_nonce(queued, sender, show, "")
    yield "}}"


def _pending(pool: Pool, address: bytes) -> NonceMap:
    sender = pool.sender(address)
    return sender.pending if sender else NOTHING


def _queued(pool: Pool, address: bytes) -> NonceMap:
    sender = pool.sender(address)
    return sender.queued if sender else NOTHING


def _copy(nonces: NonceMap) -> NonceMap:
    return NonceMap(nonces.packed[:])


def _part(pool: Pool, senders: Iterator[list[bytes]], part_of: PartOf, show: Show) -> Iterator[str]:
    lead = ""
    for name, address in _by_name(senders):
        if not name:
            yield ""
            continue
        opening = f'{lead}"{name}":{{'
        told = False
        for text in _by_nonce(_copy(part_of(pool, address)), f"0x{address.hex()}", show, opening):
            told = True
            yield text
        if told:
            yield "}"
            lead = ","


def _by_name(senders: Iterator[list[bytes]]) -> Iterator[tuple[str, bytes]]:
    """Addresses by their names with checksum; nameless ones between them, to stop at.

    Sorted by the first two letters first, so that no sort takes long, and named twice, so that no names are kept.
    """
    alike: defaultdict[str, list[bytes]] = defaultdict(list)
    for some in senders:
        for address in some:
            alike[checksum_address(address)[2:4]].append(address)
            yield "", b""
    for start in sorted(alike):
        named = []
        for address in alike.pop(start):
            named.append((checksum_address(address), address))
            yield "", b""
        yield from sorted(named)


def _by_nonce(nonces: NonceMap, sender: str, show: Show, lead: str) -> Iterator[str]:
    """Transactions after what leads to the first of them; nothing where there is none."""
    for nonce, handle in _in_text_order(nonces):
        if text := show(handle, sender):
            yield f'{lead}"{nonce}":{text}'
            lead = ","


def _in_text_order(nonces: NonceMap) -> Iterable[tuple[str, int]]:
    """Nonces as decimal text, in the order of text. Those of one length are so already."""
    if len(nonces) <= _SORTED_MAX:
        return sorted((str(nonce), handle) for nonce, handle in nonces.items())
    bounds = [0, *(10**length for length in range(1, 21))]
    runs = (nonces.between(low, high) for low, high in pairwise(bounds))
    return merge(*(((str(nonce), handle) for nonce, handle in run) for run in runs))
