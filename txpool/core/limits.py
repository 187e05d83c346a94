"""The pool's limits for each sender and for all: who is cut when there is too much.

Source: geth's `truncatePending` and `truncateQueue`. Both ask a running total first, so a pool under its limits pays
for a comparison and nothing else.
"""

from heapq import heapify, heappop

from txpool.core.record import Resident
from txpool.core.rejection import Reason
from txpool.core.residents import Residents
from txpool.core.sender import Sender
from txpool.core.settings import PoolSettings
from txpool.core.steps import Steps, finish, portions


def truncate(residents: Residents, settings: PoolSettings) -> None:
    """Bring pending and queued under their limits."""
    crowded = residents.pending_count > settings.global_slots and residents.crowded
    if crowded or residents.queued_count > settings.global_queue:
        finish(truncate_in_steps(residents, settings))
    else:
        residents.prices.removed(0)  # geth looks at its heaps in every run


def truncate_in_steps(residents: Residents, settings: PoolSettings) -> Steps[None]:
    """The same in steps."""
    if residents.pending_count > settings.global_slots and residents.crowded:
        yield from residents.prices.settle_in_steps()
        yield from _truncate_pending(residents, settings)
    if residents.queued_count > settings.global_queue:
        yield from residents.prices.settle_in_steps()
    cut = 0
    while residents.queued_count > settings.global_queue:
        cut += yield from _cut_oldest_queue(residents, residents.queued_count - settings.global_queue)
    residents.prices.removed(cut)  # also when it is none: geth looks at its heaps in every run


def cap_queue(residents: Residents, sender: Sender, account_queue: int) -> Steps[int]:
    """Cut one sender's queue from its highest nonce; how many that were, of which the price order is not told yet."""
    over = len(sender.queued) - account_queue
    return (yield from _cut_queue(residents, sender, over, Reason.ACCOUNT_QUEUE_LIMIT)) if over > 0 else 0


def _truncate_pending(residents: Residents, settings: PoolSettings) -> Steps[None]:
    """Penalize the largest senders: level them down to the next largest, then all together."""
    by_size = [(-count, address) for address, count in residents.crowded.items()]
    heapify(by_size)
    offenders: list[bytes] = []
    limit = settings.global_slots
    while residents.pending_count > limit and by_size:
        size, address = heappop(by_size)
        if offenders:
            last = residents.senders[offenders[-1]]
            while residents.pending_count > limit and len(last.pending) > -size:
                yield from _cut_one_each(residents, offenders)
        offenders.append(address)
    if offenders:
        last = residents.senders[offenders[-1]]
        while residents.pending_count > limit and len(last.pending) > settings.account_slots:
            yield from _cut_one_each(residents, offenders)


def _cut_one_each(residents: Residents, offenders: list[bytes]) -> Steps[None]:
    for address in offenders:
        sender = residents.senders[address]
        nonce, handle = sender.pending.take_last()
        tx = residents.read(handle)
        residents.taken_from_pending(sender, [tx])
        residents.evict_pending(tx, Reason.PENDING_LIMIT)
        sender.next_nonce = min(sender.next_nonce, nonce)
        residents.prices.removed(1)
        yield


def _cut_oldest_queue(residents: Residents, excess: int) -> Steps[int]:
    """The queue that has waited longest goes whole, or loses its highest nonces if that is enough."""
    address = next(iter(residents.queue_ages))
    sender = residents.senders[address]
    cut = yield from _cut_queue(residents, sender, min(excess, len(sender.queued)), Reason.QUEUE_LIMIT)
    residents.release_if_empty(address, sender)
    return cut


def _cut_queue(residents: Residents, sender: Sender, count: int, reason: Reason) -> Steps[int]:
    for some in portions(range(count)):
        cut: list[Resident] = [residents.read(sender.queued.take_last()[1]) for _ in some]
        residents.taken_from_queued(sender, cut)
        for tx in cut:
            residents.evict_queued(tx, reason)
        yield
    return count
