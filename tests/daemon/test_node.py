"""The wiring of pool, store, events and chain."""

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from tests.cli.test_submitting import transfer
from txpool.chain.dev import DevChainSettings
from txpool.chain.dev_accounts import dev_accounts
from txpool.config import Settings
from txpool.config.sections import (
    DataSettings,
    DevSettings,
    GovernorSettings,
    HttpSettings,
    RpcSettings,
    Section,
    StoreSettings,
    WatchSettings,
)
from txpool.core.candidate import recovered
from txpool.core.head import Account
from txpool.core.pool import Accepted
from txpool.core.settings import PoolSettings
from txpool.core.tx import Tx, decode
from txpool.daemon.chores import expire_queued, feed_watchdog
from txpool.daemon.node import Node
from txpool.daemon.store import KINDS
from txpool.history.digest import digest
from txpool.history.input_log import read_entries, replay
from txpool.ingest.settings import IngestSettings
from txpool.observe.lookout import Limits
from txpool.rollout.governor import Rules
from txpool.rpc.http import HttpLimits
from txpool.rpc.service import RpcLimits
from txpool.rpc.slices import Slices
from txpool.stores.heap import HeapStore
from txpool.systemd import Notifier

PATIENCE_S = 10
DEV_SENDER = dev_accounts(1)[0].address


@contextmanager
def built(**sections: msgspec.Struct) -> Iterator[Node]:
    node = Node(Settings(**{"store": StoreSettings(limit_bytes=8 << 20), **sections}))  # type: ignore[arg-type]  # by name
    try:
        yield node
    finally:
        node.close()


def send(node: Node, raw: str, *, now: int = 0) -> None:
    tx = decode(bytes.fromhex(raw[2:]))
    assert isinstance(tx, Tx)
    candidate = recovered(tx, node.chain.chain_id, arrival=now)
    assert isinstance(candidate.sender, bytes)
    verdicts, _ = node.pool.submit([candidate], {candidate.sender: node.chain.account(candidate.sender)}, now=now)
    assert isinstance(verdicts[0], Accepted)


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_is_one_step_for_chain_and_pool(kind: str) -> None:
    with built(store=StoreSettings(kind=kind, limit_bytes=8 << 20)) as node:  # type: ignore[arg-type]  # one of them
        told: list[range] = []
        node.on_events = told.append
        send(node, transfer(0))

        node.chain.mine()

        assert node.pool.head == node.chain.head()
        assert (node.pool.counts().pending, node.store.stats().slots_used) == (0, 0)
        assert [node.events[seq].kind.name for span in told for seq in span] == ["INCLUDED"]
        node.pool.check()


def test_of_a_head_all_is_told_once_some_at_a_time_and_of_an_empty_one_too() -> None:
    with built() as node:
        told: list[range] = []
        node.on_events = told.append
        node.chain.mine()
        assert told == [range(0)]

        for account in range(5):
            for nonce in range(8):
                send(node, transfer(nonce, account))
        before = node.events.next_seq
        node.chain.mine()

        assert [len(span) for span in told[1:]] == [32, 8]
        assert [seq for span in told for seq in span] == list(range(before, node.events.next_seq))


def test_a_higher_least_tip_takes_out_what_pays_less_and_all_of_it_is_told_before_anybody_goes_on() -> None:
    with built() as node:
        told: list[range] = []
        for account in range(5):
            for nonce in range(8):
                send(node, transfer(nonce, account))
        node.on_events = told.append
        before = node.events.next_seq

        moving = [node.moving for _ in node.set_price_floor(2 * 10**9)]

        assert len(moving) > 40
        assert all(moving)
        assert not node.moving
        assert (node.pool.counts().pending, node.pool.counts().queued) == (0, 0)
        assert [seq for span in told for seq in span] == list(range(before, node.events.next_seq))
        assert max(map(len, told)) == 32


def test_what_is_recorded_replays_to_the_same_events(tmp_path: Path) -> None:
    log = tmp_path / "inputs"
    with built(data=DataSettings(input_log=str(log))) as node:
        for nonce in (0, 1, 3):
            send(node, transfer(nonce))
        node.chain.mine()
        node.chain.reorg(1)
        again = replay(read_entries(log), HeapStore(8 << 20))

        assert digest(again.events.since(0)) == digest(node.events.since(0))
        assert node.events.next_seq > 6


def test_what_came_while_a_block_was_built_was_judged_at_the_old_head_and_replays_too(tmp_path: Path) -> None:
    log = tmp_path / "inputs"
    with built(data=DataSettings(input_log=str(log))) as node:
        for nonce in range(6):
            send(node, transfer(nonce))
        balance = node.chain.account(DEV_SENDER).balance
        for number, _ in enumerate(node.chain.mine_in_steps()):
            if node.chain.moving:
                continue
            if number == 6:
                send(node, transfer(20))
            assert node.chain.account(DEV_SENDER) == Account(0, balance)
            assert node.pool.head.number == node.chain.head().number == 0
        node.chain.reorg(1)
        again = replay(read_entries(log), HeapStore(8 << 20))

        assert digest(again.events.since(0)) == digest(node.events.since(0))
        assert node.pool.counts().pending == 6


def test_a_recording_never_overwrites_a_file_and_says_what_to_do(tmp_path: Path) -> None:
    log = tmp_path / "inputs"
    log.touch()

    with pytest.raises(FileExistsError, match="inputs is there already; each start needs a new name"):
        Node(Settings(data=DataSettings(input_log=str(log))))


def test_a_recording_with_a_relative_name_lies_in_the_folder_for_files(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "data"

    with built(data=DataSettings(dir=str(folder), input_log="inputs")):
        assert (folder / "inputs").stat().st_size
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_recording_may_lie_in_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    with built(data=DataSettings(input_log="~/inputs")):
        assert (tmp_path / "inputs").stat().st_size


def test_where_a_recording_cannot_go_on_the_pool_follows_the_chain_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "inputs"
    with built(data=DataSettings(input_log=str(log))) as node:
        send(node, transfer(0))
        with file_bytes_max(log.stat().st_size + 10):
            node.chain.mine()
            send(node, transfer(1))

        assert node.pool.head == node.chain.head()
        assert node.pool.counts().pending == 1
        assert len(list(read_entries(log))) == 2
    assert [record.getMessage()[:23] for record in caplog.records if record.levelname == "CRITICAL"] == [
        "the recording has ended"
    ]


@contextmanager
def file_bytes_max(count: int) -> Iterator[None]:
    """No file of this process can be longer than that; Python ignores the signal that would come of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_genesis_file_and_the_initial_blocks_are_those_of_the_settings(tmp_path: Path) -> None:
    genesis = tmp_path / "genesis.json"
    genesis.write_text('{"config": {"chainId": 7}, "alloc": {}, "difficulty": "0x0", "gasLimit": "0x5208"}')

    with built(dev=DevSettings(genesis=str(genesis), initial_blocks=3)) as node:
        assert (node.chain.chain_id, node.pool.head.number) == (7, 3)


def test_what_waited_longer_than_its_lifetime_is_dropped() -> None:
    async def wait() -> list[str]:
        gone = asyncio.Event()
        with built(pool=PoolSettings(lifetime=1)) as node:
            send(node, transfer(1))
            node.on_events = lambda events: gone.set() if events else None
            chore = asyncio.create_task(expire_queued(node, Slices(lambda: 0.0), every_s=0.001))
            await asyncio.wait_for(gone.wait(), PATIENCE_S)
            chore.cancel()
            return [str(event.reason) for event in node.events.since(0)][-1:]

    assert asyncio.run(wait()) == ["lifetime"]


def test_the_watchdog_is_fed_only_while_pool_and_store_agree(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, built() as node:
        manager.bind(address)
        manager.settimeout(PATIENCE_S)
        notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "2000"})

        async def feed() -> None:
            fed = asyncio.create_task(feed_watchdog(node, notifier))
            loop = asyncio.get_running_loop()
            assert await loop.run_in_executor(None, manager.recv, 1024) == b"WATCHDOG=1"
            node.store.put(bytes(112), b"nobody knows of this one")
            await asyncio.wait_for(fed, PATIENCE_S)

        asyncio.run(feed())
        notifier.close()
        manager.setblocking(False)
        messages = []
        try:
            while True:
                messages.append(manager.recv(1024))
        except BlockingIOError:
            pass

    assert messages[-1].startswith(b"STATUS=unhealthy")


def test_defaults_of_the_configuration_are_those_of_the_rooms() -> None:
    def shared(section: Section, room: msgspec.Struct) -> set[str]:
        names = set(section.__struct_fields__) & set(room.__struct_fields__)
        assert {name: getattr(section, name) for name in names} == {name: getattr(room, name) for name in names}
        return names

    assert shared(Settings().ingest, IngestSettings()) == set(IngestSettings.__struct_fields__)
    assert len(shared(HttpSettings(), HttpLimits())) == 6
    assert len(shared(RpcSettings(), RpcLimits())) == 2
    assert RpcSettings().body_bytes_max == HttpLimits().body_bytes_max
    assert len(shared(DevSettings(), DevChainSettings())) == 5
    assert shared(GovernorSettings(), Rules()) == set(Rules.__struct_fields__)
    assert shared(WatchSettings(), Limits()) == set(Limits.__struct_fields__)
