"""The 112 bytes in front of each payload."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.stand import ALICE, dynamic, heap_store, offer
from tests.core.transactions import KEY, signed
from txpool.core.candidate import Candidate, Origin
from txpool.core.record import RECORD_BYTES, Resident, pack_record, read_record
from txpool.core.tx import DYNAMIC_FEE, Tx

UINT64: Final = st.integers(0, 2**64 - 1)


def back(candidate: Candidate) -> Resident:
    store = heap_store()
    handle = store.put(pack_record(candidate, ALICE, candidate.tx.cost), candidate.tx.raw)
    assert handle is not None
    return read_record(store, handle)


def facts(tx: Tx) -> tuple[int | bytes, ...]:
    return (tx.hash, tx.nonce, tx.gas, tx.tip_cap, tx.fee_cap, tx.cost, tx.size, tx.type)


def read_facts(resident: Resident) -> tuple[int | bytes, ...]:
    one = resident
    return (one.hash, one.nonce, one.gas, one.tip_cap, one.fee_cap, one.cost, one.size, one.type)


@given(
    nonce=UINT64,
    gas=st.integers(0, 2**30),
    tip=st.integers(0, 2**64 - 2),
    fee=st.integers(0, 2**64 - 2),
    arrival=UINT64,
    size=st.integers(0, 2**24 - 1),
)
def test_a_record_comes_back_as_it_was(nonce: int, gas: int, tip: int, fee: int, **others: int) -> None:
    candidate = dynamic(ALICE, nonce, tip=tip, fee=fee, gas=gas, **others)

    resident = back(candidate)

    assert read_facts(resident) == facts(candidate.tx)
    assert (resident.sender, resident.arrival, resident.origin) == (ALICE, others["arrival"], Origin.RPC)
    assert resident.key == (candidate.tx.hash, ALICE, nonce)


@pytest.mark.parametrize(
    "fields",
    [
        {"fee_cap": 2**64 - 2, "tip_cap": 2**64 - 2},
        {"fee_cap": 2**64 - 1, "tip_cap": 1},
        {"fee_cap": 2**64 - 1, "tip_cap": 2**64 - 1},
        {"fee_cap": 2**200, "tip_cap": 2**199},
        {"value": 2**128 - 21_000 * 2 * 10**9 - 2},
        {"value": 2**128 - 21_000 * 2 * 10**9 - 1},
        {"value": 2**255},
    ],
    ids=str,
)
def test_fees_and_costs_of_any_width_come_back_too(fields: dict[str, Any]) -> None:
    tx = signed(DYNAMIC_FEE, KEY, **fields)

    assert read_facts(back(Candidate(tx, ALICE, 0))) == facts(tx)


@pytest.mark.parametrize("origin", Origin)
def test_the_way_it_came_is_kept(origin: Origin) -> None:
    assert back(Candidate(offer(ALICE).tx, ALICE, 0, origin)).origin is origin


def test_every_record_has_the_same_size() -> None:
    assert RECORD_BYTES == 112
    assert len(pack_record(offer(ALICE), ALICE, 0)) == RECORD_BYTES
