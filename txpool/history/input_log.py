"""The pool's inputs, written down: feed them to a fresh pool and the same events follow, byte for byte.

A file of MessagePack entries, each behind its length (four bytes, big-endian), the first one the configuration. Numbers
that may pass 64 bits are big-endian bytes. A torn last entry, as a crash leaves it, ends the reading without an error.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from errno import EIO
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from txpool.core.blob_sidecar import encode_network
from txpool.core.candidate import Candidate, Origin
from txpool.core.events import EventRing
from txpool.core.head import Account, Head, HeadChange
from txpool.core.pool import Pool, Verdict
from txpool.core.rejection import Reason, Rejected
from txpool.core.restraint import Restraint
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.steps import Steps
from txpool.core.store import Store
from txpool.core.tx import decode

_LENGTH_BYTES: Final = 4


class InputLogError(Exception):
    """The file is no input log, or holds what no pool can have been given."""


class HeadInput(msgspec.Struct, frozen=True, array_like=True):
    """A head, as written."""

    number: int
    hash: bytes
    parent_hash: bytes
    time: int
    gas_limit: int
    base_fee: bytes | None
    next_base_fee: bytes | None
    blob_base_fee: bytes
    fork: int


class CandidateInput(msgspec.Struct, frozen=True, array_like=True):
    """A transaction at the door, as written: a blob transaction in network form where it has its sidecar.

    `cause` says why it has no sender, `proof_cause` what is wrong with its KZG proofs.
    """

    raw: bytes
    sender: bytes | None
    cause: str | None
    arrival: int
    origin: int
    authorities: tuple[bytes, ...]
    proven: bool = False
    proof_cause: str | None = None


class AccountInput(msgspec.Struct, frozen=True, array_like=True):
    """An account, as written."""

    address: bytes
    nonce: int
    balance: bytes
    has_code: bool


class Began(msgspec.Struct, frozen=True, tag=True):
    """What the pool was made of."""

    settings: PoolSettings
    head: HeadInput
    event_capacity: int


class Submitted(msgspec.Struct, frozen=True, tag=True):
    """A call of `Pool.submit`."""

    now: int
    batch: tuple[CandidateInput, ...]
    accounts: tuple[AccountInput, ...]


class Advanced(msgspec.Struct, frozen=True, tag=True):
    """A call of `Pool.advance`."""

    now: int
    head: HeadInput
    accounts: tuple[AccountInput, ...]
    included: tuple[tuple[bytes, int], ...]
    reverted: tuple[CandidateInput, ...]


class Expired(msgspec.Struct, frozen=True, tag=True):
    """A call of `Pool.expire`."""

    now: int
    most: int | None = None


class Floored(msgspec.Struct, frozen=True, tag=True):
    """A call of `Pool.set_price_floor`."""

    now: int
    tip: bytes


class Removed(msgspec.Struct, frozen=True, tag=True):
    """A call of `Pool.remove`."""

    now: int
    hashes: tuple[bytes, ...]


class Restrained(msgspec.Struct, frozen=True, tag=True):
    """A call of `Pool.restrain`."""

    now: int
    price_floor: bytes
    slots_max: int | None
    blob_bytes_max: int | None
    gapless: bool
    closed: bool


Entry = Began | Submitted | Advanced | Expired | Floored | Removed | Restrained


class InputLog:
    """Appends entries to a file; the operating system has each of them when `append` returns.

    Where one cannot be written (a full disk), the file is cut behind the last whole one and the recording ends there:
    what it holds can be replayed, and who is recorded goes on.
    """

    def __init__(self, file: BinaryIO, on_end: Callable[[OSError], None]) -> None:
        """Write to a new file opened for binary writing without a buffer; `on_end` is told why it ended, once."""
        self._file = file
        self._on_end = on_end
        self._encoder = msgspec.msgpack.Encoder()
        self._whole_bytes = 0
        self._ended = False

    def append(self, entry: Entry) -> None:
        """Write one entry, unless the recording has ended."""
        if self._ended:
            return
        data = self._encoder.encode(entry)
        framed = len(data).to_bytes(_LENGTH_BYTES, "big") + data
        try:
            _write_all(self._file, framed)
        except OSError as error:
            self._end(error)
        else:
            self._whole_bytes += len(framed)

    def _end(self, why: OSError) -> None:
        self._ended = True
        with suppress(OSError):  # then the last entry is torn, and a reader leaves it out
            self._file.truncate(self._whole_bytes)
        self._on_end(why)


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of it: a file without a buffer may take a part, and say why only when it is given the rest."""
    rest = memoryview(data)
    while rest:
        if not (written := file.write(rest)):
            raise OSError(EIO, "nothing of it was taken")
        rest = rest[written:]


class RecordedPool(Pool):
    """A pool that writes down what it is given before it looks at it."""

    def __init__(self, settings: PoolSettings, head: Head, store: Store, events: EventRing, log: InputLog) -> None:
        super().__init__(settings, head, store, events)
        self._log = log
        log.append(Began(self.settings, _written_head(head), events.capacity))

    def submit(
        self, batch: Sequence[Candidate], accounts: Mapping[bytes, Account], *, now: int
    ) -> tuple[list[Verdict], range]:
        """As `Pool.submit`."""
        self._log.append(Submitted(now, tuple(map(_written, batch)), _written_accounts(accounts)))
        return super().submit(batch, accounts, now=now)

    def advance_in_steps(self, change: HeadChange, *, now: int) -> Steps[range]:
        """As `Pool.advance_in_steps`."""
        reverted = tuple(map(_written, change.reverted))
        accounts = _written_accounts(change.accounts)
        self._log.append(Advanced(now, _written_head(change.head), accounts, tuple(change.included.items()), reverted))
        return (yield from super().advance_in_steps(change, now=now))

    def expire(self, *, now: int, most: int | None = None) -> range:
        """As `Pool.expire`."""
        self._log.append(Expired(now, most))
        return super().expire(now=now, most=most)

    def set_price_floor_in_steps(self, tip: int, *, now: int) -> Steps[range]:
        """As `Pool.set_price_floor_in_steps`."""
        self._log.append(Floored(now, _wide(tip)))
        return (yield from super().set_price_floor_in_steps(tip, now=now))

    def remove(self, hashes: Sequence[bytes], *, now: int) -> range:
        """As `Pool.remove`."""
        self._log.append(Removed(now, tuple(hashes)))
        return super().remove(hashes, now=now)

    def restrain(self, restraint: Restraint, *, now: int) -> None:
        """As `Pool.restrain`."""
        _, *others = msgspec.structs.astuple(restraint)
        self._log.append(Restrained(now, _wide(restraint.price_floor), *others))
        super().restrain(restraint, now=now)


class LogReader:
    """The entries of a log, in order.

    Attributes:
        count: how many have been read.
        bytes_read: how many they take.
        torn: whether the last one is not whole, as a crash leaves it; seen when they have been read.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Read a file opened for binary reading, from its beginning."""
        self.count = 0
        self.bytes_read = 0
        self.torn = False
        self._file = file
        self._decoder = msgspec.msgpack.Decoder(Entry)

    def __iter__(self) -> Iterator[Entry]:
        """Read on.

        Raises:
            InputLogError: an entry that is whole says nothing we know.
        """
        while prefix := self._file.read(_LENGTH_BYTES):
            length = int.from_bytes(prefix, "big")
            data = self._file.read(length)
            if len(prefix) < _LENGTH_BYTES or len(data) < length:
                self.torn = True
                return
            try:
                entry = self._decoder.decode(data)
            except msgspec.MsgspecError as error:
                raise InputLogError(f"entry {self.count + 1} is none: {error}") from None
            self.count += 1
            self.bytes_read += _LENGTH_BYTES + length
            yield entry


def read_entries(path: Path) -> Iterator[Entry]:
    """Read the whole entries of a log, as `LogReader` does."""
    with path.open("rb") as file:
        yield from LogReader(file)


def replay(entries: Iterable[Entry], store: Store, watch: Callable[[Pool], None] | None = None) -> Pool:
    """Feed a log to a fresh pool.

    Args:
        entries: from the first on.
        store: empty, and as large as that of the pool that was recorded.
        watch: shown the pool after each entry, and within a head change or a rising floor after each step.

    Raises:
        InputLogError: the log does not begin with a configuration, or begins twice.
    """
    rest = iter(entries)
    first = next(rest, None)
    if not isinstance(first, Began):
        raise InputLogError("an input log begins with what the pool was made of")
    pool = Pool(first.settings, _read_head(first.head), store, EventRing(first.event_capacity))
    for entry in rest:
        for _ in _feed(pool, entry):
            if watch:
                watch(pool)
    return pool


def _feed(pool: Pool, entry: Entry) -> Iterator[None]:
    """Do what an entry says, and pause as often as can be, the last time when all is done."""
    match entry:
        case Submitted():
            pool.submit([_read(item) for item in entry.batch], _read_accounts(entry.accounts), now=entry.now)
        case Advanced():
            change = HeadChange(
                _read_head(entry.head),
                _read_accounts(entry.accounts),
                dict(entry.included),
                tuple(_read(item) for item in entry.reverted),
            )
            yield from pool.advance_in_steps(change, now=entry.now)
        case Expired():
            pool.expire(now=entry.now, most=entry.most)
        case Floored():
            yield from pool.set_price_floor_in_steps(int.from_bytes(entry.tip, "big"), now=entry.now)
        case Removed():
            pool.remove(entry.hashes, now=entry.now)
        case Restrained():
            _, price_floor, *others = msgspec.structs.astuple(entry)
            pool.restrain(Restraint(int.from_bytes(price_floor, "big"), *others), now=entry.now)
        case Began():
            raise InputLogError("an input log begins once")
    yield


def _wide(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _written(candidate: Candidate) -> CandidateInput:
    sender = candidate.sender
    address = sender if isinstance(sender, bytes) else None
    tx = candidate.tx
    return CandidateInput(
        encode_network(tx.raw, tx.sidecar) if tx.sidecar else tx.raw,
        address,
        _cause(sender),
        candidate.arrival,
        candidate.origin,
        candidate.authorities,
        candidate.proven,
        _cause(candidate.proof_fault),
    )


def _cause(fault: bytes | Rejected | None) -> str | None:
    return str(fault.facts["cause"]) if isinstance(fault, Rejected) else None


def _read(item: CandidateInput) -> Candidate:
    tx = decode(item.raw)
    if isinstance(tx, Rejected):
        raise InputLogError(f"the log holds what is no transaction: {tx}")
    sender = item.sender if item.cause is None else Rejected(Reason.INVALID_SENDER, {"cause": item.cause})
    proof_fault = None if item.proof_cause is None else Rejected(Reason.KZG_PROOF, {"cause": item.proof_cause})
    return Candidate(tx, sender, item.arrival, Origin(item.origin), item.authorities, item.proven, proof_fault)


def _written_accounts(accounts: Mapping[bytes, Account]) -> tuple[AccountInput, ...]:
    return tuple(
        AccountInput(address, account.nonce, _wide(account.balance), account.has_code)
        for address, account in accounts.items()
    )


def _read_accounts(accounts: Sequence[AccountInput]) -> dict[bytes, Account]:
    return {item.address: Account(item.nonce, int.from_bytes(item.balance, "big"), item.has_code) for item in accounts}


def _written_head(head: Head) -> HeadInput:
    return HeadInput(
        head.number,
        head.hash,
        head.parent_hash,
        head.time,
        head.gas_limit,
        None if head.base_fee is None else _wide(head.base_fee),
        None if head.next_base_fee is None else _wide(head.next_base_fee),
        _wide(head.blob_base_fee),
        head.fork,
    )


def _read_head(head: HeadInput) -> Head:
    return Head(
        head.number,
        head.hash,
        head.parent_hash,
        head.time,
        head.gas_limit,
        None if head.base_fee is None else int.from_bytes(head.base_fee, "big"),
        None if head.next_base_fee is None else int.from_bytes(head.next_base_fee, "big"),
        int.from_bytes(head.blob_base_fee, "big"),
        Fork(head.fork),
    )
