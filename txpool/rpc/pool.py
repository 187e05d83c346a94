"""The namespace `pool`: what became of a transaction and why, what would become of one, and what a builder wants."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

from txpool.core.explain import Explanation, Prospect, explain
from txpool.core.foresee import Forecast
from txpool.core.lifecycle import Kind
from txpool.core.pool import Accepted, Pool
from txpool.core.rejection import Rejected
from txpool.core.steps import Steps
from txpool.ingest.dry_run import Checked
from txpool.ingest.settings import Busy
from txpool.rpc import errors
from txpool.rpc.arguments import Fault, Parameters, big, byte_string, hash32, small_count, uint64
from txpool.rpc.chain_view import ChainView
from txpool.rpc.errors import RpcError, refused
from txpool.rpc.method import Method, Methods
from txpool.rpc.pool_events import (
    EVERYTHING,
    LATEST,
    LIMIT_DEFAULT,
    LIMIT_MAX,
    EventCursor,
    EventFilter,
    event_filter,
    event_options,
    event_place,
    events_page,
    show_event,
    start_of,
)
from txpool.rpc.render import Json, data, quantity
from txpool.rpc.slices import Slices
from txpool.rpc.subscriptions import Kinds, kind

CHECKED_MAX: Final = 100  # transactions in one dry run
BEST_DEFAULT: Final = 100
BEST_MAX: Final = 1000
BEST_BYTES_MAX: Final = 8 * 1024 * 1024
ADDRESS_BYTES: Final = 20
HASH_BYTES: Final = 32

# Told the numbers of the events that a call has caused.
Notice = Callable[[range], None]


class Trial(Protocol):
    """Where transactions are tried without being handed in; `Ingest` is one."""

    def check(self, raws: Sequence[bytes]) -> Awaitable[Sequence[Checked] | Busy]:
        """What would become of these, were they submitted one after another."""


class PoolNamespace:
    """The record of each transaction, and looks ahead.

    Args:
        pool: whose.
        chain: where transactions are found that the events do not name any more.
        trial: an `Ingest`.
        clock: nanoseconds since the epoch.
        notice: told of the events that an operator's removal causes.
        slices: does what takes long.
    """

    def __init__(
        self, pool: Pool, chain: ChainView, trial: Trial, clock: Callable[[], int], notice: Notice, *, slices: Slices
    ) -> None:
        self._pool = pool
        self._chain = chain
        self._trial = trial
        self._clock = clock
        self._notice = notice
        self._slices = slices

    def methods(self) -> Methods:
        """By name, for everybody."""
        return {
            "pool_best": Method(self._best, Parameters(big, uint64, small_count, required=0), waits=True),
            "pool_check": Method(self._check, Parameters(raw_transactions), waits=True),
            "pool_events": Method(self._events, Parameters(event_place, small_count, event_filter, required=0)),
            "pool_explain": Method(self._explain, Parameters(hash32)),
        }

    def private(self) -> Methods:
        """By name, for the operator alone."""
        return {"pool_remove": Method(self._remove, Parameters(hash_or_address))}

    def kinds(self) -> Kinds:
        """What can be subscribed to."""
        return {("pool", "events"): kind(self._follow, event_options, required=0)}

    # --- what has happened

    def _explain(self, tx_hash: bytes) -> Json | None:
        found = explain(self._pool, tx_hash)
        mined = self._chain.mined(tx_hash)
        if found is None and mined is None:
            return None
        shown = show_explanation(found) if found else {"hash": data(tx_hash), "steps": [], "complete": False}
        if mined is not None:
            shown |= {
                "sender": data(mined.sender),
                "nonce": quantity(mined.tx.nonce),
                "stage": "included",
                "blockHash": data(mined.block_hash),
                "blockNumber": quantity(mined.block_number),
                "waitsFor": None,
            }
        return shown

    def _events(self, place: int | str | None, limit: int | None, wanted: EventFilter | None) -> Json:
        ring = self._pool.events
        most = LIMIT_DEFAULT if limit is None else min(limit, LIMIT_MAX)
        return events_page(ring, start_of(ring, place), most, wanted or EVERYTHING)

    def _follow(self, options: tuple[int | str | None, EventFilter] | None) -> EventCursor:
        ring = self._pool.events
        place, wanted = options or (LATEST, EVERYTHING)
        return EventCursor(ring, start_of(ring, place), wanted)

    # --- what would happen

    async def _check(self, raws: Sequence[bytes]) -> list[Json] | Busy:
        found = await self._trial.check(raws)
        return found if isinstance(found, Busy) else [show_checked(each) for each in found]

    async def _best(self, base_fee: int | None, gas_limit: int | None, count: int | None) -> Json:
        return await self._slices.run(self._best_in_steps(base_fee, gas_limit, count))

    def _best_in_steps(self, base_fee: int | None, gas_limit: int | None, count: int | None) -> Steps[Json]:
        """Fill a block: in order, leaving out the senders whose next transaction has no room."""
        pool = self._pool
        fee = pool.head.next_base_fee if base_fee is None else base_fee
        room = pool.head.gas_limit if gas_limit is None else gas_limit
        most = BEST_DEFAULT if count is None else min(count, BEST_MAX)
        shown: list[Json] = []
        used = size = 0
        order = pool.best(fee)
        while len(shown) < most and size <= BEST_BYTES_MAX:
            yield
            yield from order.prepare()
            each = next(order, None)
            if each is None:
                break
            if each.gas > room - used:
                order.skip_sender()
                continue
            used += each.gas
            raw = pool.store.payload(each.handle)
            size += len(raw)
            shown.append(
                {
                    "hash": data(each.hash),
                    "sender": data(each.sender),
                    "nonce": quantity(each.nonce),
                    "gas": quantity(each.gas),
                    "effectiveTip": quantity(each.tip),
                    "raw": data(raw),
                }
            )
        return {
            "head": quantity(pool.head.number),
            "headHash": data(pool.head.hash),
            "baseFee": None if fee is None else quantity(fee),
            "gasLimit": quantity(room),
            "gasUsed": quantity(used),
            "transactions": shown,
        }

    # --- what an operator does

    def _remove(self, named: bytes) -> list[str] | RpcError:
        """Take out one transaction, or all of a sender, the highest nonce first."""
        pool = self._pool
        hashes = pool.hashes_of(named) if len(named) == ADDRESS_BYTES else [named]
        if not any(map(pool.knows, hashes)):
            return refused("nothing to remove: the pool holds no such transaction, and none of such a sender")
        self._notice(pool.remove(hashes, now=self._clock()))
        return [data(each) for each in hashes]


# --- as JSON


def show_explanation(found: Explanation) -> Json:
    """A transaction's life. `complete` says whether its first step is its arrival."""
    return {
        "hash": data(found.hash),
        "sender": data(found.sender),
        "nonce": quantity(found.nonce),
        "stage": found.stage.name.lower(),
        "steps": [show_event(step) for step in found.steps],
        "complete": found.complete,
        "waitsFor": None if found.prospect is None else _show_prospect(found.prospect),
    }


def _show_prospect(prospect: Prospect) -> Json:
    numbers = {
        "nextNonce": prospect.next_nonce,
        "position": prospect.position,
        "gasAhead": prospect.gas_ahead,
        "effectiveTip": prospect.effective_tip,
    }
    shown = {name: None if number is None or number < 0 else quantity(number) for name, number in numbers.items()}
    return {"sentence": prospect.words, **shown}


def show_checked(found: Checked) -> Json:
    """What would become of one transaction; the members are the same for every outcome."""
    if isinstance(found, Forecast):
        return _show_forecast(found)
    if isinstance(found, Rejected):
        return {**_NOTHING, "error": _error_of(found)}
    return {**_NOTHING, "error": {"code": errors.CRASHED.code, "message": errors.CRASHED.message}}


_NOTHING: Final[Json] = {
    "hash": None,
    "result": "refused",
    "place": None,
    "replaces": None,
    "evicts": [],
    "promotes": [],
    "demotes": [],
    "error": None,
}


def _show_forecast(found: Forecast) -> Json:
    verdict = found.verdict
    return {
        "hash": data(found.tx_hash),
        "result": "accepted" if isinstance(verdict, Accepted) else "refused",
        "place": None if found.pending is None else ("pending" if found.pending else "queued"),
        "replaces": None if found.replaced is None else data(found.replaced),
        "evicts": [{"hash": data(each.hash), "reason": str(each.reason)} for each in found.evicted],
        "promotes": [data(each) for each in found.moved(Kind.PROMOTED)],
        "demotes": [data(each) for each in found.moved(Kind.DEMOTED)],
        "error": _error_of(verdict) if isinstance(verdict, Rejected) else None,
    }


def _error_of(rejected: Rejected) -> Json:
    """As a submission would be answered, and the reason's slug."""
    return {"code": errors.SERVER_ERROR, "message": str(rejected), "reason": str(rejected.reason)}


# --- arguments


def raw_transactions(value: Any) -> list[bytes] | Fault:  # noqa: ANN401 - as JSON has it
    """A list of signed transactions, or one alone."""
    values = value if isinstance(value, list) else [value]
    if len(values) > CHECKED_MAX:
        return Fault(f"{len(values)} transactions, and a dry run takes up to {CHECKED_MAX}")
    read = [byte_string(each) for each in values]
    return next((each for each in read if isinstance(each, Fault)), None) or [
        each for each in read if isinstance(each, bytes)
    ]


def hash_or_address(value: object) -> bytes | Fault:
    """32 bytes that name a transaction, or 20 that name a sender."""
    read = byte_string(value)
    if isinstance(read, bytes) and len(read) not in {ADDRESS_BYTES, HASH_BYTES}:
        return Fault(f"neither a hash of {HASH_BYTES} bytes nor an address of {ADDRESS_BYTES}: {len(read)} bytes")
    return read
