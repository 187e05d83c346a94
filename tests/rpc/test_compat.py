"""`--compat geth`: what geth's local tracker hides, and only that."""

from typing import Final

import msgspec
import pytest

from tests.core.transactions import KEY, sidecar, unsigned
from tests.rpc.node import ALICE, hexed, transfer
from tests.running import running
from txpool.core.keccak import keccak
from txpool.core.pool import Accepted
from txpool.core.rejection import REFUSALS, Reason, Rejected
from txpool.core.signature import sign
from txpool.core.tx import BLOB
from txpool.ingest.batch import Crashed, Outcome, Reply
from txpool.ingest.settings import Busy
from txpool.rpc.local_tracker import HIDDEN, HidingDoor

RAW: Final = transfer(ALICE, 0)


def answered(outcome: Outcome) -> Outcome:
    """What a client hears when the pool says this."""
    heard: list[Outcome] = []

    def offer(raw: bytes, reply: Reply) -> Busy | None:
        assert raw == RAW
        reply(outcome)
        return None

    assert HidingDoor(offer).offer(RAW, heard.append) is None
    return heard[0]


@pytest.mark.parametrize("reason", REFUSALS)
def test_six_refusals_are_answered_with_the_hash(reason: Reason) -> None:
    refusal = Rejected(reason)

    assert answered(refusal) == (Accepted(keccak(RAW)) if reason in HIDDEN else refusal)


def test_the_hash_of_a_blob_transaction_is_that_without_its_blobs() -> None:
    body = unsigned(BLOB)
    network = sign(msgspec.structs.replace(body, sidecar=sidecar(1)), KEY)
    heard: list[Outcome] = []

    def offer(_raw: bytes, reply: Reply) -> Busy | None:
        reply(Rejected(Reason.DELEGATED_IN_FLIGHT))
        return None

    HidingDoor(offer).offer(network, heard.append)

    assert heard == [Accepted(keccak(sign(body, KEY)))]


def test_they_are_the_six_of_geths_tracker() -> None:
    assert {str(Rejected(reason)) for reason in HIDDEN} == {
        "transaction underpriced",
        "txpool is full",
        "future transaction tries to replace pending",
        "gapped-nonce tx from delegated accounts",
        "in-flight transaction limit reached for delegated accounts",
        "authority already reserved",
    }


def test_what_is_no_refusal_goes_through() -> None:
    accepted = Accepted(bytes(32), bytes(range(32)))

    assert answered(accepted) is accepted
    assert answered(Crashed()) == Crashed()


def test_who_is_turned_away_hears_so() -> None:
    busy = Busy(7)

    assert HidingDoor(lambda _raw, _reply: busy).offer(RAW, lambda _outcome: None) is busy


@pytest.mark.parametrize("compat", [False, True])
def test_the_daemon_hides_them_when_told_so(compat: bool) -> None:
    limits = ["--set", "pool.global_slots=1", "--set", "pool.global_queue=1"]
    flags = ["--compat", "geth"] if compat else []
    with running("--dev", "--dev-period", "0", *limits, *flags) as daemon:
        for nonce in (0, 1):
            daemon.call("eth_sendRawTransaction", hexed(transfer(ALICE, nonce)))
        refused = transfer(ALICE, 2)

        answer = daemon.ask("eth_sendRawTransaction", hexed(refused))
        known = daemon.ask("eth_sendRawTransaction", hexed(transfer(ALICE, 0)))

        assert answer.get("result") == (hexed(keccak(refused)) if compat else None)
        assert compat or answer["error"]["message"] == "transaction underpriced"
        assert known["error"]["message"] == "already known"
        assert daemon.call("eth_getTransactionByHash", hexed(keccak(refused))) is None
