"""What a new head does to the pool, in steps of which nobody sees the middle.

Source: geth's `reset` and `runReorg`: take the new state, put back what the old branch held, promote, drop and demote,
rank prices anew, apply the limits.
"""

from collections.abc import Callable, Iterable, Iterator

from txpool.core.candidate import Candidate
from txpool.core.hardening import beyond_balance, displaced
from txpool.core.head import Head, HeadChange
from txpool.core.limits import truncate_in_steps
from txpool.core.placement import demote_in_steps, drop, promote_in_steps
from txpool.core.record import Resident
from txpool.core.rejection import Reason
from txpool.core.residents import Residents
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.shards import SHARDS
from txpool.core.stateless import TX_GAS_MAX
from txpool.core.steps import Steps, finish, portions


def apply_head_change(
    residents: Residents,
    settings: PoolSettings,
    old_head: Head,
    change: HeadChange,
    reinject: Callable[[Candidate], None],
) -> Steps[None]:
    """Follow the chain by one step.

    Only the senders whose accounts may have changed are looked at, those whose queue is over its limit, and those whose
    pending nonces have holes; unless the gas limit fell under that of something pooled: then all.

    Args:
        residents: the pool's content; its operation has begun.
        settings: the pool's limits.
        old_head: where the pool was.
        change: where it goes.
        reinject: admits one given-back transaction, by the checks with state only.
    """
    head = change.head
    enters_osaka = old_head.fork < Fork.OSAKA <= head.fork
    if change.reverted or enters_osaka:
        yield from residents.prices.settle_in_steps()
    if enters_osaka:
        yield from _drop_too_much_gas(residents)
    dirty = yield from _take_over_accounts(residents, change)
    for candidate in change.reverted:
        reinject(candidate)
        yield
    residents.prices.stand_idle()
    dirty |= dict.fromkeys(residents.overlong)
    everyone = residents.gas_max > head.gas_limit
    for addresses in portions(_concerned(residents, dirty, everyone=everyone)):
        for address in addresses:
            if (sender := residents.senders.get(address)) and sender.queued:
                yield from promote_in_steps(residents, address, sender, settings, head.gas_limit)
                yield
        yield
    for address in _concerned(residents, dirty, everyone=everyone):
        if sender := residents.senders.get(address):
            yield from demote_in_steps(residents, address, sender, head.gas_limit)
            yield
    if settings.hardened:
        for address in _concerned(residents, dirty, everyone=everyone):
            _drop_beyond_balance(residents, address)
            yield
    residents.gas_max = min(residents.gas_max, head.gas_limit)
    residents.prices.set_base_fee(head.next_base_fee, residents.slots)
    yield from truncate_in_steps(residents, settings)
    residents.displaced_before = displaced(residents.tallies)
    residents.tallies.head_updates += 1


def _take_over_accounts(residents: Residents, change: HeadChange) -> Steps[dict[bytes, None]]:
    """Let the senders see their accounts at the new head; who has to be looked at, in this order."""
    dirty: dict[bytes, None] = {}
    for some in portions(change.accounts):
        for address in some:
            if sender := residents.senders.get(address):
                sender.sees(change.accounts[address])
                dirty[address] = None
        yield
    unsettled = [*residents.overlong, *residents.holed]
    for address in unsettled:
        residents.senders[address].forget_pool_nonce()
    for given_back in portions(change.reverted):
        dirty |= dict.fromkeys(_senders_of(given_back))
        yield
    return dirty | dict.fromkeys(unsettled)


def _concerned(residents: Residents, dirty: dict[bytes, None], *, everyone: bool) -> Iterator[bytes]:
    """Those to look at, and behind them all others where everybody is concerned. Senders may leave meanwhile."""
    yield from dirty
    if not everyone:
        return
    for number in range(SHARDS):
        yield from [address for address, _ in residents.senders.items(number) if address not in dirty]


def _drop_beyond_balance(residents: Residents, address: bytes) -> None:
    """Drop a sender's highest nonces until its balance covers all the others together."""
    sender = residents.senders.get(address)
    excess = beyond_balance(sender, residents) if sender else []
    for tx in reversed(excess):
        drop(residents, tx, Reason.UNAFFORDABLE_TOGETHER)
    residents.prices.removed(len(excess))
    if sender:
        residents.release_if_empty(address, sender)


def _senders_of(candidates: Iterable[Candidate]) -> Iterable[bytes]:
    return (candidate.sender for candidate in candidates if isinstance(candidate.sender, bytes))


def _drop_too_much_gas(residents: Residents) -> Steps[None]:
    """At the start of Osaka no transaction may use more than `TX_GAS_MAX` gas any more."""
    if residents.gas_max > TX_GAS_MAX:
        yield from drop_where(residents, lambda tx: tx.gas > TX_GAS_MAX, Reason.GAS_LIMIT_TOO_HIGH)


def drop_where(residents: Residents, condemned: Callable[[Resident], bool], reason: Reason) -> Steps[None]:
    """Drop all that a test condemns; their successors wait in the queue. O(n)."""
    found = yield from _condemned(residents, condemned)
    yield from _drop_in_steps(residents, found, reason)


def _condemned(residents: Residents, condemned: Callable[[Resident], bool]) -> Steps[list[bytes]]:
    read = residents.read
    found: list[bytes] = []
    for some in portions(residents.index.values()):
        found += [tx.hash for tx in map(read, some) if condemned(tx)]
        yield
    return found


def drop_all(residents: Residents, hashes: Iterable[bytes], reason: Reason) -> None:
    """Drop these one after the other, as far as they are here; their successors wait in the queue."""
    finish(_drop_in_steps(residents, hashes, reason))


def _drop_in_steps(residents: Residents, hashes: Iterable[bytes], reason: Reason) -> Steps[None]:
    dropped = 0
    for tx_hash in hashes:
        if handle := residents.index.get(tx_hash):
            tx = residents.read(handle)
            sender = residents.senders[tx.sender]
            drop(residents, tx, reason)
            residents.release_if_empty(tx.sender, sender)
            dropped += 1
            yield
    residents.prices.removed(dropped)
