"""Transactions against their sender's account and a block's fees: what the pool lets in, what the builder takes."""

from typing import Any, Final

from tests.core.stand import heap_store
from tests.vectors.conftest import JudgeAll
from tests.vectors.tally import Case, number, raw
from txpool.chain.execution import Context, misfit
from txpool.chain.state import AccountState, State
from txpool.core.blob_checks import blob_stateful_fault
from txpool.core.blob_entry import entry_of
from txpool.core.blob_sender import BlobSender
from txpool.core.candidate import Candidate
from txpool.core.events import EventRing
from txpool.core.head import Account, Head
from txpool.core.rejection import Rejected
from txpool.core.residents import Residents
from txpool.core.rules import Fork
from txpool.core.sender import sender_at
from txpool.core.settings import PoolSettings
from txpool.core.sidecar_checks import BLOBS_PER_TX_MAX
from txpool.core.signature import sender_of
from txpool.core.stateful import stateful_fault
from txpool.core.stateless import fault_after_sender, fault_before_sender
from txpool.core.tx import BLOB, Tx, decode

FORKS: Final = {"ConstantinopleFix": Fork.PETERSBURG}
NO_MINIMUM: Final = PoolSettings(price_limit=0)
# What a pool may keep until its time comes.
LATER: Final = {
    "NONCE_MISMATCH_TOO_HIGH",
    "INSUFFICIENT_MAX_FEE_PER_GAS",
    "INSUFFICIENT_MAX_FEE_PER_BLOB_GAS",
}
KEPT: Final = "the pool keeps it until its time comes; the block builder refuses it now"
CODE: Final = "a sender with code: the pool takes one transaction of it, as geth's; the block builder refuses it"
SIDECAR: Final = "a rule for blobs: judged by the sidecar, which the case does not have"
_SIDECAR_RULES: Final = ("TYPE_3_TX_INVALID_BLOB", "TYPE_3_TX_ZERO", "TYPE_3_TX_BLOB_COUNT", "TYPE_3_TX_MAX_BLOB")


def test_the_pool_lets_in_what_each_fork_allows(judge_shared: JudgeAll) -> None:
    judge_shared("txstate", _judge)


def _judge(case: Case) -> str | None:
    tx = decode(raw(case["tx"]))
    reasons = [_judge_fork(case, tx, name, wanted) for wanted in case["expect"] for name in wanted["forks"]]
    return next(filter(None, reasons), None)


def _judge_fork(case: Case, tx: Tx | Rejected, name: str, wanted: dict[str, Any]) -> str | None:
    fork = FORKS.get(name) or Fork[name.upper()]
    error: str = wanted["error"] or ""
    if isinstance(tx, Rejected):
        assert error, f"{name}: {tx}"
        return None
    fault = _fault(case, tx, fork, wanted)
    fits = _fits(case, tx, fork, wanted)
    if not error:
        assert fault is None, f"{name}: {fault}"
        assert fits, f"{name}: not for the builder"
        return None
    if error.startswith(_SIDECAR_RULES):
        return SIDECAR
    assert not fits, f"{name}: the builder would take it: {error}"
    if fault is None:
        assert error in LATER | {"SENDER_NOT_EOA"}, f"{name}: taken, not refused with {error}"
        return CODE if error == "SENDER_NOT_EOA" else KEPT
    return None


def _fault(case: Case, tx: Tx, fork: Fork, wanted: dict[str, Any]) -> Rejected | None:
    head = _head(case, fork, wanted)
    if fault := fault_before_sender(tx, head):
        return fault
    sender = sender_of(tx, number(case["chainId"]))
    if isinstance(sender, Rejected):
        return sender
    assert sender == raw(case["sender"])
    if fault := fault_after_sender(tx, sender, head, NO_MINIMUM):
        return fault
    account = Account(
        number(case["account"]["nonce"]), number(case["account"]["balance"]), bool(case["account"]["code"])
    )
    if tx.type == BLOB:
        there = BlobSender(account.nonce, account.balance, account.has_code)
        return blob_stateful_fault(entry_of(Candidate(tx, sender, 0), sender), there, [], delegated=account.has_code)
    residents = Residents(heap_store(), EventRing(1), None, NO_MINIMUM)
    return stateful_fault(tx, tx.cost, sender, sender_at(account), residents)


def _head(case: Case, fork: Fork, wanted: dict[str, Any]) -> Head:
    env = case["env"]
    return Head(
        number=number(env["number"]),
        hash=bytes(32),
        parent_hash=bytes(32),
        time=number(env["timestamp"]),
        gas_limit=number(env["gasLimit"]),
        base_fee=None,
        next_base_fee=None,
        blob_base_fee=number(wanted.get("blobBaseFee")),
        fork=fork,
    )


def _fits(case: Case, tx: Tx, fork: Fork, wanted: dict[str, Any]) -> bool:
    """Whether the dev chain's builder would take it now."""
    account, env = case["account"], case["env"]
    sender = raw(case["sender"])
    state = State(1)
    state.found(sender, AccountState(number(account["nonce"]), number(account["balance"]), raw(account["code"] or "")))
    context = Context(
        number(case["chainId"]),
        fork,
        number(env["baseFee"]),
        number(wanted.get("blobBaseFee")),
        fee_recipient=bytes(20),
    )
    in_bounds = tx.gas <= number(env["gasLimit"]) and len(tx.blob_hashes) <= max(BLOBS_PER_TX_MAX, 9)
    sound = fault_before_sender(tx, _head(case, fork, wanted)) is None  # what the pool sees to before
    return in_bounds and sound and misfit(tx, sender, state, context) is None
