"""The pool is a function of its inputs."""

import os
import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.core.stand import pending_senders
from tests.core.transactions import sidecar
from tests.history.recording import log_to
from tests.stores.kinds import KINDS, store_of
from txpool.core.candidate import Candidate, Origin, recovered
from txpool.core.events import EventRing
from txpool.core.head import Account, Head, HeadChange
from txpool.core.pool import Accepted
from txpool.core.rejection import Reason, Rejected
from txpool.core.restraint import Restraint
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.sidecar_checks import versioned_hash
from txpool.core.signature import address_of, sign
from txpool.core.tx import decode
from txpool.core.unsigned import Unsigned
from txpool.history.digest import digest
from txpool.history.input_log import InputLogError, RecordedPool, read_entries, replay
from txpool.stores.heap import HeapStore

CHAIN_ID = 1337
KEYS = tuple(number.to_bytes(32, "big") for number in range(1, 9))
BLOB_KEYS = tuple(number.to_bytes(32, "big") for number in range(9, 14))
REPLAY = """
import sys
from pathlib import Path
from txpool.history.digest import digest
from txpool.history.input_log import read_entries, replay
from txpool.stores.heap import HeapStore
print(digest(replay(read_entries(Path(sys.argv[1])), HeapStore(1 << 26)).events.since(0)))
"""


def head_at(number: int) -> Head:
    return Head(number, bytes(32), bytes(32), 12 * number, 30_000_000, 10, 10, 1, Fork.OSAKA)


def signed(key: bytes, nonce: int, fee: int, arrival: int) -> Candidate:
    unsigned = Unsigned(
        type=2, chain_id=CHAIN_ID, nonce=nonce, tip_cap=fee, fee_cap=fee, gas=21_000, to=bytes(20), value=1
    )
    tx = decode(sign(unsigned, key))
    assert not isinstance(tx, Rejected)
    return recovered(tx, CHAIN_ID, arrival)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A log of submissions, blocks, reorgs and time passing in a small pool, and the digest of what followed."""
    path = tmp_path_factory.mktemp("log") / "inputs"
    draw = random.Random(7)
    settings = PoolSettings(
        account_slots=2, global_slots=12, account_queue=3, global_queue=6, lifetime=100, blob_data_cap=4 * 278_656
    )
    with path.open("wb", buffering=0) as file:
        pool = RecordedPool(settings, head_at(1), HeapStore(1 << 26), EventRing(4096), log_to(file))
        nonces = dict.fromkeys(KEYS, 0)
        for turn in range(60):
            now = turn * 10**9
            accounts = {address_of(key): Account(nonces[key], 10**7) for key in KEYS}
            batch = [
                signed(key := draw.choice(KEYS), nonces[key] + draw.randrange(4), draw.randrange(20, 60), now)
                for _ in range(4)
            ]
            pool.submit(batch, accounts, now=now)
            if turn % 5 == 4:
                mine_and_sometimes_give_back(pool, draw, nonces, turn)
            pool.expire(now=now, most=1 + turn % 2)
        send_blobs_and_take_them_back(pool)
        hold_back(pool, draw, nonces)
        pool.set_price_floor(40, now=10**12)
        pool.remove([each.hash for each in pool.pending_of(pending_senders(pool)[0])], now=2 * 10**12)
        pool.check()
        return path, digest(pool.events.since(0))


def hold_back(pool: RecordedPool, draw: random.Random, nonces: dict[bytes, int]) -> None:
    """Under each kind of restraint some are refused that were taken before, or make way."""
    restraints = (
        Restraint(price_floor=2**70),
        Restraint(slots_max=pool.counts().slots, blob_bytes_max=0),
        Restraint(gapless=True),
        Restraint(closed=True),
        Restraint(),
    )
    accounts = {address_of(key): Account(nonces[key], 10**7) for key in KEYS}
    for number, restraint in enumerate(restraints):
        pool.restrain(restraint, now=10**11 + number)
        batch = [signed(key, nonces[key] + draw.randrange(5), 80 + number, number) for key in KEYS]
        pool.submit(batch, accounts, now=10**11 + number)
    tallies = pool.tallies
    assert all(tallies.rejected[each] for each in (Reason.MEMORY_LIMIT, Reason.OVERLOADED_GAP))


def mine_and_sometimes_give_back(pool: RecordedPool, draw: random.Random, nonces: dict[bytes, int], turn: int) -> None:
    key = draw.choice(KEYS)
    address = address_of(key)
    executable = pool.pending_of(address)
    if not executable:
        return
    first = executable[0]
    nonces[key] += 1
    after = {address: Account(nonces[key], 10**7)}
    pool.advance(HeadChange(head_at(turn), after, {first.hash: turn}), now=turn * 10**9 + 1)
    if draw.random() < 0.5:
        nonces[key] -= 1
        before = {address: Account(nonces[key], 10**7)}
        tx = decode(first.payload)
        assert not isinstance(tx, Rejected)
        given_back = Candidate(tx, address, first.arrival, Origin.REORG)
        pool.advance(HeadChange(head_at(turn + 1), before, {}, (given_back,)), now=turn * 10**9 + 2)


def blob(key: bytes, nonce: int, fee: int) -> Candidate:
    beside = sidecar(1)
    unsigned = Unsigned(
        type=3, chain_id=CHAIN_ID, nonce=nonce, tip_cap=fee, fee_cap=fee, gas=21_000, to=bytes(20), blob_fee_cap=fee,
        blob_hashes=(versioned_hash(beside.commitments[0]),), sidecar=beside,
    )  # fmt: skip
    tx = decode(sign(unsigned, key))
    assert not isinstance(tx, Rejected)
    return msgspec.structs.replace(recovered(tx, CHAIN_ID, 0), proven=True)


def send_blobs_and_take_them_back(pool: RecordedPool) -> None:
    """Pooled, waiting, replaced, refused, over the data cap, mined, given back."""
    rich = {address_of(key): Account(9, 10**12) for key in BLOB_KEYS}
    one, other, *rest = BLOB_KEYS
    bad = msgspec.structs.replace(blob(rest[0], 9, 60), proof_fault=Rejected(Reason.KZG_PROOF, {"cause": "x"}))
    mined = blob(one, 9, 120)
    sent = [blob(one, 9, 60), blob(one, 10, 60), mined, blob(other, 11, 60), blob(other, 9, 60), bad]
    sent += [blob(key, 9, 50 + number) for number, key in enumerate(rest)]
    for candidate in sent:
        pool.submit([candidate], rich, now=70 * 10**9)
    address = address_of(one)
    pool.advance(HeadChange(head_at(70), {address: Account(10, 10**12)}, {mined.tx.hash: 70}), now=71 * 10**9)
    given_back = msgspec.structs.replace(mined, origin=Origin.REORG)
    pool.advance(HeadChange(head_at(71), {address: Account(9, 10**12)}, {}, (given_back,)), now=72 * 10**9)


def test_the_scenario_has_something_of_everything(recorded: tuple[Path, str]) -> None:
    pool = replay(read_entries(recorded[0]), HeapStore(1 << 26))

    kinds = {event.kind.name for event in pool.events.since(0)}

    reasons = {event.reason for event in pool.events.since(0)}
    assert reasons >= {Reason.KZG_PROOF, Reason.BLOB_DATA_CAP}
    assert kinds == {
        "RECEIVED", "QUEUED", "PROMOTED", "DEMOTED", "REPLACED", "EVICTED", "INCLUDED", "REJECTED", "REINJECTED",
    }  # fmt: skip


def test_the_scenario_ends_with_a_removal_by_the_operator(recorded: tuple[Path, str]) -> None:
    pool = replay(read_entries(recorded[0]), HeapStore(1 << 26))

    assert pool.tallies.removed_pending[Reason.REMOVED_BY_OPERATOR] >= 1


def test_a_replayed_log_gives_the_same_events(recorded: tuple[Path, str]) -> None:
    path, expected = recorded

    again = replay(read_entries(path), HeapStore(1 << 26))

    assert digest(again.events.since(0)) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_events_do_not_hang_on_the_store(recorded: tuple[Path, str], kind: str) -> None:
    path, expected = recorded

    with store_of(kind) as store:
        again = replay(read_entries(path), store)
        again.check()

    assert digest(again.events.since(0)) == expected


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_the_events_do_not_hang_on_the_hash_seed(recorded: tuple[Path, str], hash_seed: str) -> None:
    path, expected = recorded
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}

    ran = subprocess.run(
        [sys.executable, "-c", REPLAY, str(path)], env=environment, capture_output=True, text=True, check=True
    )

    assert ran.stdout.strip() == expected


def test_another_order_gives_other_events(recorded: tuple[Path, str]) -> None:
    path, expected = recorded
    first, *rest = read_entries(path)

    shuffled = replay(iter([first, *rest[1:]]), HeapStore(1 << 26))

    assert digest(shuffled.events.since(0)) != expected


def test_a_torn_last_entry_is_left_out(recorded: tuple[Path, str], tmp_path: Path) -> None:
    torn = tmp_path / "torn"
    torn.write_bytes(recorded[0].read_bytes()[:-3])

    assert len(list(read_entries(torn))) == len(list(read_entries(recorded[0]))) - 1


def test_a_log_must_begin_with_what_the_pool_was_made_of(recorded: tuple[Path, str]) -> None:
    _, *rest = read_entries(recorded[0])

    with pytest.raises(InputLogError, match="begins with"):
        replay(iter(rest), HeapStore(1 << 26))


def test_a_recorded_pool_answers_like_any_other(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb", buffering=0) as file:
        pool = RecordedPool(PoolSettings(), head_at(1), HeapStore(1 << 26), EventRing(16), log_to(file))

        verdicts, events = pool.submit([signed(KEYS[0], 0, 20, 5)], {address_of(KEYS[0]): Account(0, 10**7)}, now=5)

    assert isinstance(verdicts[0], Accepted)
    assert events == range(2)
