"""A pool too simple to be wrong, for the chain to build from; and the accounts that sign for it."""

from collections.abc import Iterable, Iterator
from typing import Final, Self

from txpool.chain.block_builder import Supply
from txpool.chain.dev_accounts import dev_accounts
from txpool.core.best import BestTx
from txpool.core.head import HeadChange
from txpool.core.signature import sender_of, sign
from txpool.core.steps import Steps
from txpool.core.tx import Authorization, Tx, decode
from txpool.core.unsigned import AccessList, Unsigned

CHAIN_ID: Final = 1337
GWEI: Final = 10**9
KEYS: Final = {account.address: account.private_key for account in dev_accounts()}
ALICE, BOB, CAROL, DAVE = list(KEYS)[:4]
STRANGER: Final = bytes.fromhex("00000000000000000000000000000000c0ffee00")


def transfer(
    sender: bytes,
    nonce: int,
    *,
    to: bytes | None = STRANGER,
    value: int = 1,
    tip: int = GWEI,
    fee_cap: int = 100 * GWEI,
    gas: int = 21_000,
    data: bytes = b"",
    access_list: AccessList = (),
    authorizations: tuple[Authorization, ...] = (),
) -> Tx:
    """Sign a transaction of type 2, with authorizations of type 4."""
    kind = 4 if authorizations else 2
    unsigned = Unsigned(
        type=kind, chain_id=CHAIN_ID, nonce=nonce, fee_cap=fee_cap, tip_cap=tip, gas=gas, to=to, value=value, data=data,
        access_list=access_list, authorizations=authorizations,
    )  # fmt: skip
    return read(sign(unsigned, KEYS[sender]))


def blob_transfer(sender: bytes, nonce: int, *, blobs: int, blob_fee_cap: int = GWEI, tip: int = GWEI) -> Tx:
    """Sign a transaction of type 3, without its blobs: a block holds no more."""
    unsigned = Unsigned(
        type=3, chain_id=CHAIN_ID, nonce=nonce, fee_cap=100 * GWEI, tip_cap=tip, gas=21_000, to=STRANGER,
        blob_fee_cap=blob_fee_cap, blob_hashes=[b"\x01" + bytes(31)] * blobs,
    )  # fmt: skip
    return read(sign(unsigned, KEYS[sender]))


def read(raw: bytes) -> Tx:
    """Decode what is known to be valid."""
    tx = decode(raw)
    assert isinstance(tx, Tx), tx
    return tx


class OfferPicks:
    """Looks through all senders for each pick."""

    def __init__(self, waiting: dict[bytes, list[tuple[int, Tx]]], base_fee: int | None) -> None:
        self._waiting = waiting
        self._base_fee = base_fee
        self._last: bytes | None = None

    def __iter__(self) -> Iterator[BestTx]:
        return self

    def __next__(self) -> BestTx:
        if not self._waiting:
            raise StopIteration
        self._last = max(self._waiting, key=self._worth)
        handle, tx = self._waiting[self._last].pop(0)
        tip = tx.effective_tip(self._base_fee)
        pick = BestTx(handle=handle, hash=tx.hash, sender=self._last, nonce=tx.nonce, gas=tx.gas, tip=tip, cost=tx.cost)
        if not self._waiting[self._last]:
            del self._waiting[self._last]
        return pick

    def prepare(self) -> Steps[None]:
        yield from ()

    def skip_sender(self) -> None:
        assert self._last is not None
        self._waiting.pop(self._last, None)

    def _worth(self, sender: bytes) -> tuple[int, int]:
        handle, tx = self._waiting[sender][0]
        return tx.effective_tip(self._base_fee), -handle


class Offers:
    """Transactions by handle, which is their rank by arrival. It judges nothing; what is mined goes away."""

    def __init__(self) -> None:
        self._txs: dict[int, tuple[bytes, Tx]] = {}
        self._next = 1
        self.changes: list[HeadChange] = []

    def __len__(self) -> int:
        return len(self._txs)

    @property
    def supply(self) -> Supply:
        return Supply(self.best, self.payload)

    def add(self, *txs: Tx) -> Self:
        for tx in txs:
            sender = sender_of(tx, CHAIN_ID)
            assert isinstance(sender, bytes), sender
            self._txs[self._next] = sender, tx
            self._next += 1
        return self

    def follow(self, change: HeadChange) -> Iterable[None]:
        """Note the change, drop what is mined, take back what was."""
        self.changes.append(change)
        self._txs = {handle: entry for handle, entry in self._txs.items() if entry[1].hash not in change.included}
        self.add(*(candidate.tx for candidate in change.reverted))
        return ()

    def best(self, base_fee: int | None, blob_base_fee: int) -> OfferPicks:
        waiting: dict[bytes, list[tuple[int, Tx]]] = {}
        for handle, (sender, tx) in self._txs.items():
            waiting.setdefault(sender, []).append((handle, tx))
        for entries in waiting.values():
            entries.sort(key=lambda entry: entry[1].nonce)
        return OfferPicks(waiting, base_fee)

    def payload(self, handle: int) -> bytes:
        return self._txs[handle][1].raw

    def forget(self) -> None:
        """Drop all."""
        self._txs.clear()
