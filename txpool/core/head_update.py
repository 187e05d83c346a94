"""What a new head does to the pool, as one step that nobody sees the middle of.

Source: geth's `reset` and `runReorg`: take the new state, put back what the old branch held, promote, drop and demote,
rank prices anew, apply the limits.
"""

from collections.abc import Callable, Iterable

from txpool.core.candidate import Candidate
from txpool.core.hardening import beyond_balance, displaced
from txpool.core.head import Head, HeadChange
from txpool.core.limits import truncate
from txpool.core.placement import demote, drop, promote
from txpool.core.record import Resident
from txpool.core.rejection import Reason
from txpool.core.residents import Residents
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings

GAS_PER_TX_MAX = 2**24  # EIP-7825, from Osaka on


def apply_head_change(
    residents: Residents,
    settings: PoolSettings,
    old_head: Head,
    change: HeadChange,
    reinject: Callable[[Candidate], None],
) -> None:
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
        residents.prices.settle()
    if enters_osaka:
        _drop_too_much_gas(residents)
    dirty = [address for address in change.accounts if address in residents.senders]
    for address in dirty:
        residents.senders[address].sees(change.accounts[address])
    unsettled = [*residents.overlong, *residents.holed]
    for address in unsettled:
        residents.senders[address].forget_pool_nonce()
    for candidate in change.reverted:
        reinject(candidate)
    residents.prices.stand_idle()
    dirty = list(dict.fromkeys([*dirty, *_senders_of(change.reverted), *unsettled, *residents.overlong]))
    if residents.gas_max > head.gas_limit:
        dirty = list(dict.fromkeys([*dirty, *residents.senders]))
    for address in dirty:
        if sender := residents.senders.get(address):
            promote(residents, address, sender, settings, head.gas_limit)
    for address in dirty:
        if sender := residents.senders.get(address):
            demote(residents, address, sender, head.gas_limit)
    if settings.hardened:
        _drop_beyond_balances(residents, dirty)
    residents.gas_max = min(residents.gas_max, head.gas_limit)
    residents.prices.set_base_fee(head.next_base_fee, residents.slots)
    truncate(residents, settings)
    residents.displaced_before = displaced(residents.tallies)
    residents.tallies.head_updates += 1


def _drop_beyond_balances(residents: Residents, addresses: Iterable[bytes]) -> None:
    """Drop each sender's highest nonces until its balance covers all the others together."""
    for address in addresses:
        sender = residents.senders.get(address)
        excess = beyond_balance(sender, residents) if sender else []
        for tx in reversed(excess):
            drop(residents, tx, Reason.UNAFFORDABLE_TOGETHER)
        residents.prices.removed(len(excess))
        if sender:
            residents.release_if_empty(address, sender)


def _senders_of(candidates: Iterable[Candidate]) -> Iterable[bytes]:
    return (candidate.sender for candidate in candidates if isinstance(candidate.sender, bytes))


def _drop_too_much_gas(residents: Residents) -> None:
    """At the start of Osaka no transaction may use more than 2**24 gas."""
    if residents.gas_max > GAS_PER_TX_MAX:
        drop_where(residents, lambda tx: tx.gas > GAS_PER_TX_MAX, Reason.GAS_LIMIT_TOO_HIGH)


def drop_where(residents: Residents, condemned: Callable[[Resident], bool], reason: Reason) -> None:
    """Drop all that a test condemns; their successors wait in the queue. O(n)."""
    read = residents.read
    drop_all(residents, [tx.hash for handle in residents.index.values() if condemned(tx := read(handle))], reason)


def drop_all(residents: Residents, hashes: Iterable[bytes], reason: Reason) -> None:
    """Drop these one after the other, as far as they are here; their successors wait in the queue."""
    dropped = 0
    for tx_hash in hashes:
        if handle := residents.index.get(tx_hash):
            tx = residents.read(handle)
            sender = residents.senders[tx.sender]
            drop(residents, tx, reason)
            residents.release_if_empty(tx.sender, sender)
            dropped += 1
    residents.prices.removed(dropped)
