"""Attacks on the pool of blob transactions."""

from typing import Any

import msgspec
import pytest

from tests.attacks.field import Field, crook, honest, verdict_of
from tests.core.blob_offers import ONE_BLOB_STORED, beside, blob
from tests.core.stand import offer
from txpool.core.candidate import Candidate
from txpool.core.rejection import Reason, Rejected

BOTH = pytest.mark.parametrize("hardened", [False, True], ids=["as geth", "hardened"])
RESERVED = "address already reserved"


class BlobField(Field):
    """Eight blob transactions of honest senders fill the data cap; plain ones are there too."""

    def __init__(self, *, hardened: bool) -> None:
        super().__init__(hardened=hardened)
        settings = msgspec.structs.replace(self.pool.settings, blob_data_cap=8 * ONE_BLOB_STORED)
        self.pool.settings = settings
        self.honest_blobs = [blob(honest(100 + number), 0) for number in range(8)]
        assert set(self.send(*self.honest_blobs)) == {"ok"}

    def blobs_lost(self) -> int:
        return sum(not held for held in self.holds(*self.honest_blobs))

    def untouched(self, hardened: bool) -> bool:
        self.pool.check()
        return self.blobs_lost() == self.lost() == 0 and verdict_of("A12", hardened) == "holds"


@BOTH
def test_a12_an_account_belongs_to_one_pool(hardened: bool) -> None:
    field = BlobField(hardened=hardened)
    field.pool.settings = msgspec.structs.replace(field.pool.settings, blob_data_cap=9 * ONE_BLOB_STORED)
    assert field.send(blob(crook(0), 0)) == ["ok"]

    assert field.send(offer(crook(0), 0, 10**6), offer(crook(0), 1, 10**6)) == [RESERVED] * 2
    assert field.send(blob(honest(0), 0, fees=10**6)) == [RESERVED]

    assert field.untouched(hardened)


@BOTH
@pytest.mark.parametrize("cheap", [{"tip_cap": 199}, {"fee_cap": 199, "tip_cap": 199}, {"blob_fee_cap": 199}], ids=str)
def test_a12_a_replacement_that_is_dear_in_two_fees_replaces_nothing(hardened: bool, cheap: dict[str, Any]) -> None:
    field = BlobField(hardened=hardened)
    field.pool.settings = msgspec.structs.replace(field.pool.settings, blob_data_cap=9 * ONE_BLOB_STORED)
    field.send(blob(crook(0), 0))

    (said,) = field.send(blob(crook(0), 0, fees=10**6, **cheap))

    assert said.startswith("replacement transaction underpriced: new tx")
    assert field.untouched(hardened)


@BOTH
def test_a12_a_replacement_with_fewer_blobs_gives_room_back(hardened: bool) -> None:
    field = BlobField(hardened=hardened)
    field.pool.settings = msgspec.structs.replace(field.pool.settings, blob_data_cap=20 * ONE_BLOB_STORED)
    fees = 100
    field.send(blob(crook(0), 0, fees=fees, blobs=6))
    high = field.pool._blobs.content.stored

    for blobs in (1, 6) * 10:
        fees *= 2
        assert field.send(blob(crook(0), 0, fees=fees, blobs=blobs)) == ["ok"]
        assert field.pool._blobs.content.stored <= high

    assert field.untouched(hardened)


FALSE_SIDECARS: list[Candidate] = [
    blob(crook(0), 0, fees=10**6, blob_hashes=(b"\x01" * 32,)),
    blob(crook(0), 0, fees=10**6, sidecar=beside(proofs=())),
    blob(crook(0), 0, fees=10**6, sidecar=beside(version=0)),
    blob(crook(0), 0, fees=10**6, blobs=7),
    blob(crook(0), 0, fees=10**6, proof_fault=Rejected(Reason.KZG_PROOF, {"cause": "no proof"})),
]


@BOTH
@pytest.mark.parametrize("number", range(len(FALSE_SIDECARS)))
def test_a12_what_is_not_what_was_signed_pushes_out_nothing(hardened: bool, number: int) -> None:
    field = BlobField(hardened=hardened)

    assert field.send(FALSE_SIDECARS[number]) != ["ok"]

    assert field.untouched(hardened)


@BOTH
def test_a12_a_chain_is_worth_its_worst(hardened: bool) -> None:
    """One more over the cap: the last of the account that pays worst goes, and that is the newcomer's."""
    field = BlobField(hardened=hardened)
    field.see(next_base_fee=1_000)

    field.send(blob(crook(0), 0, fees=1), *(blob(crook(0), nonce, fees=10**6) for nonce in range(1, 16)))

    assert field.untouched(hardened)


@BOTH
def test_a12_plain_and_blob_transactions_have_rooms_of_their_own(hardened: bool) -> None:
    field = BlobField(hardened=hardened)

    field.send(*(blob(crook(number), 0, fees=10**6) for number in range(50)))

    assert field.lost() == 0
    assert field.pool._blobs.content.stored <= 8 * ONE_BLOB_STORED
