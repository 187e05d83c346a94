"""What became of a transaction, and what it waits for: told from the events and the pool as it stands."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from txpool.core.blob_entry import BlobEntry
from txpool.core.events import Event
from txpool.core.fees import effective_tip
from txpool.core.lifecycle import AFTER, Kind, Stage
from txpool.core.pool import Pool
from txpool.core.record import Resident
from txpool.core.rejection import REFUSALS, SENTENCE, Reason
from txpool.core.sender import Sender

# In more than so many pending ones nobody looks for the place in line: the walk would hold up everybody else.
RANKED_MAX: Final = 2048

_LEFT: Final = {
    Reason.REPLACED: "another transaction of the same nonce pays more",
    Reason.POOL_FULL_CHEAPEST: "the pool was full, and it was the cheapest",
    Reason.PENDING_LIMIT: "too many were pending in all, and its sender had more than the guaranteed slots",
    Reason.ACCOUNT_QUEUE_LIMIT: "its sender had too many in the queue",
    Reason.QUEUE_LIMIT: "too many were queued in all, and its sender's queue was the oldest",
    Reason.LIFETIME: "it waited in the queue for longer than the pool keeps one",
    Reason.NONCE_PASSED: "a block holds another transaction of its nonce",
    Reason.UNAFFORDABLE: "its sender cannot pay for it any more",
    Reason.UNAFFORDABLE_TOGETHER: "its sender cannot pay any more for all that it has pending together",
    Reason.GAS_LIMIT_LOWERED: "blocks have become too small for its gas limit",
    Reason.PRICE_FLOOR_RAISED: "the least tip was raised above its own",
    Reason.PREDECESSOR_LEFT: "one of a lower nonce has left, so it cannot run yet",
    Reason.REMOVED_BY_OPERATOR: "an operator removed it",
    Reason.BLOB_DATA_CAP: "the blobs were too many in all, and its sender's account was the worst",
    Reason.NONCE_GAP: "one of a lower nonce has left, and a blob transaction stands behind no gap",
    Reason.REFUSED_AFTER_WAITING: "when its nonce came, it broke a rule",
    Reason.BLOBS_UNAVAILABLE: "its blobs are not kept any more",
}


def _in_general(sentence: str) -> str:
    """A sentence of geth's without the facts of one case."""
    return re.split(r": | \(", sentence)[0]


# Each reason in words, without the facts of a case: those were told to whom it concerned, and are not kept.
SENTENCES: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        **{reason: _in_general(SENTENCE[reason]) for reason in REFUSALS},
        Reason.UNDECODABLE: "the bytes are no transaction",
        Reason.COMMITMENT_COUNT: "not as many blob commitments as blob hashes",
        Reason.BLOB_HASH_MISMATCH: "a blob hash that is not that of its commitment",
        Reason.BLOB_NOT_CANONICAL: "a blob with a word that is no field element",
        Reason.BLOB_COUNT: "not as many blobs as commitments",
        **_LEFT,
    }
)

# What an event without a reason says.
HAPPENED: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.RECEIVED: "it was handed in",
        Kind.QUEUED: "it waits in the queue",
        Kind.PROMOTED: "it can be executed now",
        Kind.INCLUDED: "a block holds it",
        Kind.REINJECTED: "its block was abandoned, and it came back",
    }
)


class Prospect(msgspec.Struct, frozen=True):
    """When a pooled transaction can run.

    Attributes:
        words: what it waits for, or when it can run.
        next_nonce: of its sender, the first that no pending transaction has; None where that does not matter.
        position: its place in a builder's order, from 1; None where it has none, or nobody looked.
        gas_ahead: what those before it may use together.
        effective_tip: what it would pay the next block's builder, wei a gas; negative under the base fee.
    """

    words: str
    next_nonce: int | None = None
    position: int | None = None
    gas_ahead: int | None = None
    effective_tip: int | None = None


class Explanation(msgspec.Struct, frozen=True):
    """A transaction's life as far as it is remembered.

    Attributes:
        hash: the transaction.
        sender: whose it is, zeros where the signature gave nobody.
        nonce: its nonce.
        stage: where it is, or where it ended.
        steps: its events, oldest first; those that the ring has overwritten are missing.
        complete: whether the first of them is its arrival.
        prospect: for one in the pool.
    """

    hash: bytes
    sender: bytes
    nonce: int
    stage: Stage
    steps: tuple[Event, ...]
    complete: bool
    prospect: Prospect | None


def explain(pool: Pool, tx_hash: bytes) -> Explanation | None:
    """Tell what is known of a transaction; None where the pool does not hold it and no event names it any more."""
    steps = tuple(pool.events.of(tx_hash))
    tx = pool.resident(tx_hash)
    complete = bool(steps) and steps[0].kind in {Kind.RECEIVED, Kind.REINJECTED}
    if tx is not None:
        sender = pool.sender(tx.sender)
        assert sender is not None, "who has a transaction here is known"
        pending = bool(sender.pending.get(tx.nonce) == tx.handle)
        prospect = _pending_prospect(pool, tx, sender) if pending else _queued_prospect(tx.nonce, sender)
        stage = Stage.PENDING if pending else Stage.QUEUED
        return Explanation(tx.hash, tx.sender, tx.nonce, stage, steps, complete, prospect)
    if (blob := pool.blob(tx_hash)) is not None:
        pending = pool.pooled(tx_hash) is not None
        prospect = _blob_prospect(pool, blob) if pending else _waiting_blob_prospect(pool, blob)
        stage = Stage.PENDING if pending else Stage.QUEUED
        return Explanation(tx_hash, blob.sender, blob.nonce, stage, steps, complete, prospect)
    if not steps:
        return None
    last = steps[-1]
    return Explanation(tx_hash, last.sender, last.nonce, AFTER[last.kind], steps, complete, None)


def sentence_of(event: Event) -> str:
    """What an event says, in words."""
    if event.reason is None:
        return HAPPENED[event.kind]
    if event.kind in {Kind.EVICTED, Kind.REPLACED, Kind.DEMOTED} or event.reason not in SENTENCE:
        return SENTENCES[event.reason]
    return f"it was refused: {SENTENCES[event.reason]}"


# --- what one in the pool waits for


def _queued_prospect(nonce: int, sender: Sender) -> Prospect:
    expected = sender.next_nonce
    if nonce > expected:
        missing = [each for each in range(expected, min(nonce, expected + 4)) if not sender.queued.get(each)]
        named = "pool" if sender.pending else "account"
        words = f"{named} next nonce is {expected}, this has {nonce}"
        if missing:
            words += f"; {', '.join(map(str, missing))}{' ...' if nonce > expected + 4 else ''} missing"
        return Prospect(words, expected)
    return Prospect(
        "its nonce is next; it is looked at again when its sender sends, or a new head changes the account", expected
    )


def _pending_prospect(pool: Pool, tx: Resident, sender: Sender) -> Prospect:
    base_fee = pool.head.next_base_fee
    tip = effective_tip(tx.tip_cap, tx.fee_cap, base_fee)
    if base_fee is not None and tx.fee_cap < base_fee:
        words = f"its fee cap is {tx.fee_cap} wei, the next base fee {base_fee} wei: it can run when that has fallen"
        return Prospect(words, effective_tip=tip)
    if base_fee is not None and (nonce := _blocking_nonce(pool, tx.nonce, sender, base_fee)) is not None:
        words = (
            f"nonce {nonce} of the same sender goes first, and its fee cap is under the next base fee, {base_fee} wei"
        )
        return Prospect(words, effective_tip=tip)
    if pool.counts().pending > RANKED_MAX:
        return Prospect("it can be in the next block that has room for it", effective_tip=tip)
    position, gas_ahead = _place_in_line(pool, tx.hash, base_fee)
    fits = gas_ahead + tx.gas <= pool.head.gas_limit
    words = f"number {position} in line, with {gas_ahead} gas ahead of it: "
    words += "the next block has room for it" if fits else "more than the next block has room for"
    return Prospect(words, position=position, gas_ahead=gas_ahead, effective_tip=tip)


def _blob_prospect(pool: Pool, blob: BlobEntry) -> Prospect:
    base_fee, blob_fee = pool.head.next_base_fee or 0, pool.head.blob_base_fee
    tip = effective_tip(blob.tip_cap, blob.fee_cap, base_fee)
    if blob.fee_cap < base_fee:
        words = f"its fee cap is {blob.fee_cap} wei, the next base fee {base_fee} wei: it can run when that has fallen"
    elif blob.blob_fee_cap < blob_fee:
        words = (
            f"its blob fee cap is {blob.blob_fee_cap} wei, the blob fee {blob_fee} wei: it can run when that has fallen"
        )
    else:
        words = "it can be in the next block that has room for its blobs"
    return Prospect(words, effective_tip=tip)


def _waiting_blob_prospect(pool: Pool, blob: BlobEntry) -> Prospect:
    expected = pool.next_blob_nonce(blob.sender)
    return Prospect(f"pool next nonce is {expected}, this has {blob.nonce}", expected)


def _blocking_nonce(pool: Pool, nonce: int, sender: Sender, base_fee: int) -> int | None:
    """The first nonce ahead of one whose fee cap the base fee has passed."""
    for earlier, handle in sender.pending.items():
        if earlier >= nonce:
            return None
        if pool.read(handle).fee_cap < base_fee:
            return earlier
    return None


def _place_in_line(pool: Pool, tx_hash: bytes, base_fee: int | None) -> tuple[int, int]:
    gas_ahead = position = 0
    for position, each in enumerate(pool.best(base_fee), start=1):  # noqa: B007 - the last one's place is the answer
        if each.hash == tx_hash:
            break
        gas_ahead += each.gas
    return position, gas_ahead
