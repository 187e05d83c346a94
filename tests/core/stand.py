"""A pool on a test stand: transactions made without signatures, rich accounts, a clock that ticks at every step.

The pool is told who the sender is, so a transaction here is just its fields; equal fields make equal transactions.
Each step ends with the pool's own `check`.
"""

import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

import msgspec

from mmap_pool import Pages
from txpool.core.candidate import Candidate, Origin
from txpool.core.events import Event, EventRing
from txpool.core.head import Account, Head, HeadChange
from txpool.core.lifecycle import Kind
from txpool.core.pool import Accepted, Pool, Verdict
from txpool.core.record import RECORD_BYTES
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.store import Store
from txpool.core.tx import DYNAMIC_FEE, LEGACY, SET_CODE, Authorization, Tx
from txpool.stores.cache import CacheStore
from txpool.stores.heap import HeapStore
from txpool.stores.mmap import MmapStore
from txpool.stores.untracked import UntrackedStore

ALICE, BOB, CAROL, DAVE, ERIN = SENDERS = tuple(bytes([number]) * 20 for number in range(1, 6))
RICH: Final = Account(balance=10**24)
PLENTY_BYTES: Final = 1 << 22
SECOND: Final = 10**9
_AUTHORIZATION: Final = Authorization(1, bytes(20), 0, 0, 1, 1)


def heap_store(limit_bytes: int = PLENTY_BYTES) -> Store:
    """Plain objects."""
    return HeapStore(limit_bytes)


def cache_store(limit_bytes: int = PLENTY_BYTES) -> Store:
    """Buffers that are used again."""
    return CacheStore(limit_bytes, RECORD_BYTES)


def untracked_store(limit_bytes: int = PLENTY_BYTES) -> Store:
    """Objects that the collector does not know of."""
    return UntrackedStore(limit_bytes)


def mmap_store(limit_bytes: int = PLENTY_BYTES) -> MmapStore:
    """The smallest slabs there are, so that a few transactions fill one; closed when nobody holds it any more."""
    store = MmapStore.open(limit_bytes, RECORD_BYTES, slab_bytes=4096, ask=Pages.NORMAL)
    weakref.finalize(store, store.pool.arena.close)
    return store


STORES: Final[Mapping[str, Callable[[int], Store]]] = MappingProxyType(
    {"mmap": mmap_store, "cache": cache_store, "heap": heap_store, "untracked": untracked_store}
)
STORE_VARIABLE: Final = "TXPOOL_TEST_STORE"


def empty_store() -> Store:
    """The kind of store that the environment names, mmap by default; `tests/core` goes through all of them."""
    return STORES[os.environ.get(STORE_VARIABLE, "mmap")](PLENTY_BYTES)


def transaction(nonce: int = 0, price: int = 100, **fields: Any) -> Tx:  # noqa: ANN401 - any field of Tx
    """A transfer of nothing; `price` is both fees but where one is given. The payload is no encoding."""
    values: dict[str, Any] = {
        "type": LEGACY,
        "chain_id": 1,
        "nonce": nonce,
        "tip_cap": price,
        "fee_cap": price,
        "gas": 21_000,
        "to": bytes(20),
        "value": 0,
        "data": b"",
        "access_addresses": 0,
        "access_keys": 0,
        "access_list": b"",
        "authorizations": (),
        "blob_fee_cap": 0,
        "blob_hashes": (),
        "v": 37,
        "r": 1,
        "s": 1,
        "raw": b"not an encoding",
        "size": 110,
        "sidecar": None,
    }
    values |= fields
    digest = sha256(repr(sorted(values.items())).encode()).digest()
    return Tx(hash=values.pop("hash", digest), **values)


def offer(
    sender: bytes,
    nonce: int = 0,
    price: int = 100,
    *,
    arrival: int = 0,
    **fields: Any,  # noqa: ANN401 - any of Tx
) -> Candidate:
    """A plain transaction of that sender at the pool's door; the sender makes it another transaction."""
    return Candidate(transaction(nonce, price, s=int.from_bytes(sender[:8]), **fields), sender, arrival)


def dynamic(sender: bytes, nonce: int, *, tip: int, fee: int, **fields: Any) -> Candidate:  # noqa: ANN401 - any of Tx
    """One with two fees."""
    return offer(sender, nonce, type=DYNAMIC_FEE, tip_cap=tip, fee_cap=fee, **fields)


def set_code(sender: bytes, nonce: int, *authorities: bytes, price: int = 100, **fields: Any) -> Candidate:  # noqa: ANN401 - any of Tx
    """One that carries an authorization of each of these accounts."""
    signed = (_AUTHORIZATION,) * len(authorities)
    gas = fields.pop("gas", 21_000 + 25_000 * len(authorities))
    data = b"".join(authorities)  # makes it a transaction of its own
    plain = offer(sender, nonce, price, type=SET_CODE, authorizations=signed, gas=gas, data=data, **fields)
    tx = msgspec.structs.replace(plain.tx, data=b"")
    return msgspec.structs.replace(plain, tx=tx, authorities=authorities)


def given_back(*offers: Candidate) -> list[Candidate]:
    """The same as an abandoned block returns them."""
    return [msgspec.structs.replace(each, origin=Origin.REORG) for each in offers]


def head_at(number: int = 1, **fields: Any) -> Head:  # noqa: ANN401 - any field of Head
    """A head whose base fee is far under every price here."""
    values: dict[str, Any] = {
        "hash": number.to_bytes(32, "big"),
        "parent_hash": (number - 1).to_bytes(32, "big"),
        "time": 12 * number,
        "gas_limit": 30_000_000,
        "base_fee": 1,
        "next_base_fee": 1,
        "blob_base_fee": 1,
        "fork": Fork.OSAKA,
    }
    return Head(number=number, **(values | fields))


def words(verdict: Verdict) -> str:
    """`ok`, or what geth would say."""
    return "ok" if isinstance(verdict, Accepted) else str(verdict)


def pending_senders(pool: Pool) -> list[bytes]:
    """Who has something executable, in the pool's order."""
    return [address for some in pool.pending_senders_in_steps() for address in some]


class Stand:
    """A pool, the accounts that it asks for, and what it holds in plain words."""

    def __init__(
        self,
        accounts: Mapping[bytes, Account] = MappingProxyType({}),
        *,
        head: Head | None = None,
        store: Store | None = None,
        ring: int = 4096,
        **limits: Any,  # noqa: ANN401 - any field of PoolSettings
    ) -> None:
        """Start with an empty pool under these limits; whoever is not among `accounts` is rich."""
        self.accounts = dict.fromkeys(SENDERS, RICH) | dict(accounts)
        self.pool = Pool(PoolSettings(**limits), head or head_at(), store or empty_store(), EventRing(ring))
        self.now = 0

    def send(self, *offers: Candidate) -> list[str]:
        """Submit one after another."""
        return [self.send_together(each)[0] for each in offers]

    def send_together(self, *offers: Candidate) -> list[str]:
        """Submit as one batch."""
        self.now += SECOND
        accounts = {address: self.accounts.get(address, RICH) for each in offers if (address := _sender(each))}
        verdicts, _ = self.pool.submit(offers, accounts, now=self.now)
        self.pool.check()
        return [words(verdict) for verdict in verdicts]

    def see(
        self,
        accounts: Mapping[bytes, Account] = MappingProxyType({}),
        *,
        mined: Sequence[Candidate] = (),
        reverted: Sequence[Candidate] = (),
        **fields: Any,  # noqa: ANN401 - any field of Head
    ) -> None:
        """Move to the next head; `mined` and `reverted` change no account by themselves."""
        self.now += SECOND
        self.accounts |= accounts
        before = self.pool.head
        kept = {name: getattr(before, name) for name in ("gas_limit", "base_fee", "next_base_fee", "fork")}
        head = head_at(before.number + 1, **(kept | fields))
        included = {each.tx.hash: head.number for each in mined}
        self.pool.advance(HeadChange(head, accounts, included, given_back(*reverted)), now=self.now)
        self.pool.check()

    def mine(self, *offers: Candidate, **fields: Any) -> None:  # noqa: ANN401 - any field of Head
        """A block of these, which cost nobody anything."""
        nonces = {_sender(each): each.tx.nonce + 1 for each in offers}
        self.see(self._with_nonces(nonces), mined=offers, **fields)

    def give_back(self, *offers: Candidate, **fields: Any) -> None:  # noqa: ANN401 - any field of Head
        """A reorg that abandons a block of these."""
        nonces = {_sender(each): each.tx.nonce for each in reversed(offers)}
        self.see(self._with_nonces(nonces), reverted=offers, **fields)

    def wait(self, seconds: int) -> None:
        """Let time pass, and have the pool look at the lifetime of what is queued."""
        self.now += seconds * SECOND
        self.pool.expire(now=self.now)
        self.pool.check()

    def price_floor(self, tip: int) -> None:
        """Set the least tip."""
        self.now += SECOND
        self.pool.set_price_floor(tip, now=self.now)
        self.pool.check()

    def pending(self, sender: bytes) -> list[int]:
        """Nonces that can run."""
        return [each.nonce for each in self.pool.pending_of(sender)]

    def queued(self, sender: bytes) -> list[int]:
        """Nonces that wait."""
        return [each.nonce for each in self.pool.queued_of(sender)]

    def counts(self) -> tuple[int, int]:
        """How many are pending and queued."""
        counts = self.pool.counts()
        return counts.pending, counts.queued

    def holds(self, *offers: Candidate) -> list[bool]:
        """Which of these are in the pool."""
        return [self.pool.knows(each.tx.hash) for each in offers]

    def events(self, since: int = 0) -> list[Event]:
        """What happened, from an event's number on."""
        return list(self.pool.events.since(since))

    def moves(self, since: int = 0) -> list[tuple[Kind, bytes]]:
        """The same as pairs of kind and hash, without the arrivals."""
        return [(each.kind, each.hash) for each in self.events(since) if each.kind is not Kind.RECEIVED]

    def last_of(self, one: Candidate) -> Event:
        """The newest event of a transaction."""
        return list(self.pool.events.of(one.tx.hash))[-1]

    def _with_nonces(self, nonces: Mapping[bytes, int]) -> dict[bytes, Account]:
        replace, accounts = msgspec.structs.replace, self.accounts
        return {address: replace(accounts.get(address, RICH), nonce=nonce) for address, nonce in nonces.items()}


def _sender(one: Candidate) -> bytes:
    return one.sender if isinstance(one.sender, bytes) else b""
