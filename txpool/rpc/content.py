"""All that is in the pool as one JSON text, told bit by bit while the pool goes on.

What is shown is no snapshot: senders are those of the beginning (of a large pool, those of the moment when the telling
comes to their quarter of all), and a sender's transactions those of the moment when it comes to them. Whatever leaves
before its turn is left out; what moves between pending and queued meanwhile may be in both parts or in neither. The
order is geth's: senders by their spelling with checksum, nonces as text.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice, pairwise
from typing import NamedTuple

from txpool.core.address import checksum_addresses
from txpool.core.nonce_map import NOTHING, LoneEntry, NonceMap
from txpool.core.pool import Pool
from txpool.core.store import StaleHandleError, Store
from txpool.rpc.quick_render import inspected_texts, transaction_text

# Tells the transactions behind a few handles, of a sender written with 0x; nothing of one that has left.
Show = Callable[[Sequence[int], str], Iterable[str]]


class Telling(NamedTuple):
    """How transactions are told, and how many between two looks at the time."""

    show: Show
    at_once: int


PartOf = Callable[[Pool, bytes], NonceMap | LoneEntry]

_LEFT = b"\x03"  # stands for one that has left: what carries blobs is not shown
_NAMED_AT_ONCE = 32
_SORTED_MAX = 512  # nonces of a sender that are sorted at once
_SENDERS_HELD_MAX = 65_536  # whose addresses are held while they wait to be told; of more, about a quarter at a time
_INITIALS = "0123456789ABCDEFabcdef"  # of names with checksum, in their order
_QUARTERS = ("0123", "4567", "89ABCDEF", "abcdef")


def whole_transactions(store: Store) -> Telling:
    """Transactions as objects."""

    def show(handles: Sequence[int], sender: str) -> Iterator[str]:
        for handle in handles:
            try:
                yield transaction_text(store.payload(handle), sender, store.record(handle)[:32].hex())
            except StaleHandleError:
                yield ""

    return Telling(show, 8)


def lines_for_people(store: Store) -> Telling:
    """Transactions in a line each."""

    def show(handles: Sequence[int], _sender: str) -> list[str]:
        try:
            return inspected_texts([store.payload(handle) for handle in handles])
        except StaleHandleError:
            return inspected_texts([store.payload(handle) if store.holds(handle) else _LEFT for handle in handles])

    return Telling(show, 32)


def of_everyone(pool: Pool, telling: Telling, held_max: int = _SENDERS_HELD_MAX) -> Iterator[str]:
    """The pool's content by sender and nonce; of more than `held_max` transactions some senders at a time."""
    counts = pool.counts()
    initials = (_INITIALS,) if counts.pending + counts.queued <= held_max else _QUARTERS
    yield '{"pending":{'
    yield from _part(pool, _by_name(pool.pending_senders_in_steps, initials), _pending, telling)
    yield '},"queued":{'
    yield from _part(pool, _by_name(lambda: iter((pool.queued_senders(),)), initials), _queued, telling)
    yield "}}"


def of_one(pool: Pool, address: bytes, telling: Telling) -> Iterator[str]:
    """What the pool holds of a sender, by nonce."""
    sender = f"0x{address.hex()}"
    yield '{"pending":{'
    yield from _by_nonce(_pending(pool, address), sender, telling, "")
    yield '},"queued":{'
    yield from _by_nonce(_queued(pool, address), sender, telling, "")
    yield "}}"


def _pending(pool: Pool, address: bytes) -> NonceMap | LoneEntry:
    sender = pool.sender(address)
    return sender.pending if sender else NOTHING


def _queued(pool: Pool, address: bytes) -> NonceMap | LoneEntry:
    sender = pool.sender(address)
    return sender.queued if sender else NOTHING


def _part(pool: Pool, senders: Iterator[tuple[str, bytes]], part_of: PartOf, telling: Telling) -> Iterator[str]:
    lead = ""
    for name, address in senders:
        if not name:
            yield ""
            continue
        opening = f'{lead}"{name}":{{'
        told = False
        for text in _by_nonce(part_of(pool, address), f"0x{address.hex()}", telling, opening):
            told = True
            yield text
        if told:
            yield "}"
            lead = ","


def _by_name(senders: Callable[[], Iterator[list[bytes]]], initials: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Addresses by their names with checksum; nameless ones between them, to stop at.

    Those whose names begin alike are told together, so the senders are asked for once for each of the `initials`.
    """
    for some in initials:
        yield from _beginning_with(some, senders())


def _beginning_with(initials: str, senders: Iterator[list[bytes]]) -> Iterator[tuple[str, bytes]]:
    """Sorted by the first two letters first, so that no sort takes long, and named twice, so that no names are kept.

    Addresses lie in one piece for each two letters: a third of what they would take one by one.
    """
    halves = frozenset(int(each, 16) for each in initials)
    alike: defaultdict[str, bytearray] = defaultdict(bytearray)
    for some in senders:
        near = [address for address in some if address[0] >> 4 in halves]
        if some and not near:
            yield "", b""
        for name, address in _named(near):
            if not name:
                yield "", b""
            elif name[2] in initials:
                alike[name[2:4]] += address
    for start in sorted(alike):
        held, named = alike.pop(start), []
        for name, address in _named([bytes(held[at : at + 20]) for at in range(0, len(held), 20)]):
            if name:
                named.append((name, address))
            else:
                yield "", b""
        yield from sorted(named)


def _named(addresses: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Addresses with their names; nameless ones between them."""
    for start in range(0, len(addresses), _NAMED_AT_ONCE):
        some = addresses[start : start + _NAMED_AT_ONCE]
        yield from zip(checksum_addresses(some), some, strict=True)
        yield "", b""


def _by_nonce(nonces: NonceMap | LoneEntry, sender: str, telling: Telling, lead: str) -> Iterator[str]:
    """Transactions, some at a time, after what leads to the first of them; nothing where there is none."""
    entries = iter(_in_text_order(nonces))
    while some := list(islice(entries, telling.at_once)):
        texts = telling.show([handle for _, handle in some], sender)
        told = [f'"{nonce}":{text}' for (nonce, _), text in zip(some, texts, strict=True) if text]
        if told:
            yield lead + ",".join(told)
            lead = ","


def _in_text_order(nonces: NonceMap | LoneEntry) -> Iterable[tuple[str, int]]:
    """Nonces as decimal text, in the order of text. Those of one length are so already."""
    if isinstance(nonces, LoneEntry) or len(nonces) <= _SORTED_MAX:
        return sorted((str(nonce), handle) for nonce, handle in nonces.items())
    nonces = NonceMap(nonces.packed[:])  # what is read one by one must not change
    bounds = [0, *(10**length for length in range(1, 21))]
    runs = (nonces.between(low, high) for low, high in pairwise(bounds))
    return merge(*(((str(nonce), handle) for nonce, handle in run) for run in runs))
