"""A hardened pool under whatever comes: nobody owes more than he has, and the quota holds."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.stand import SECOND, Stand, dynamic, heap_store, offer
from txpool.core.candidate import Candidate
from txpool.core.foresee import foresee
from txpool.core.hardening import displaced
from txpool.core.head import Account
from txpool.core.late_eviction import LatePriceOrder

SENDERS: Final = tuple(bytes([number]) * 20 for number in range(1, 6))
COST: Final = 21_000
SLOTS: Final = 8
_SENDER: Final = st.sampled_from(SENDERS)
_NONCE: Final = st.integers(0, 6)
_OFFERS: Final = st.one_of(
    st.builds(offer, _SENDER, _NONCE, st.integers(1, 40), value=st.sampled_from((0, 0, 10 * COST))),
    st.builds(dynamic, _SENDER, _NONCE, tip=st.integers(1, 20), fee=st.integers(20, 60)),
    st.builds(offer, _SENDER, _NONCE, st.integers(1, 40), size=st.sampled_from((110, 40_000, 131_072))),
)
_BALANCES: Final = st.sampled_from((0, 30 * COST, 100 * COST, 10**12))
_STEPS: Final = st.lists(
    st.one_of(
        st.lists(_OFFERS, min_size=1, max_size=6),
        st.dictionaries(_SENDER, st.builds(Account, st.integers(0, 4), _BALANCES), max_size=3),
    ),
    max_size=25,
)


@pytest.mark.parametrize("late", [False, True], ids=["ranked as geth does", "ranked late"])
@given(steps=_STEPS)
def test_a_sender_never_owes_more_than_he_has(steps: list[list[Candidate] | dict[bytes, Account]], late: bool) -> None:
    """Nor does the forecast of a submission differ from it."""
    stand = Stand(
        dict.fromkeys(SENDERS, Account(0, 100 * COST)),
        store=heap_store(),
        global_slots=SLOTS,
        global_queue=4,
        account_slots=2,
        account_queue=4,
        hardened=True,
    )
    if late:
        residents = stand.pool._residents
        residents.prices = LatePriceOrder(residents.store, residents.index, SLOTS + 4, 1)
    before = 0
    for step in steps:
        if isinstance(step, dict):
            stand.see(step)
            before = displaced(stand.pool.tallies)
        else:
            told = foresee(stand.pool, step, stand.accounts, now=stand.now + SECOND)
            first = stand.pool.events.next_seq
            stand.send_together(*step)
            assert [event for one in told for event in one.events] == stand.events(first)
        for address in SENDERS:
            assert owed(stand, address) <= stand.accounts[address].balance
        assert displaced(stand.pool.tallies) - before <= SLOTS // 4 + 4  # one submission may disturb a queue's worth


def owed(stand: Stand, address: bytes) -> int:
    residents = stand.pool._residents
    sender = residents.senders.get(address)
    if sender is None:
        return 0
    return sum(residents.read(handle).cost for _, handle in sender.pending.items() + sender.queued.items())
