"""What the daemon does about the memory of its slabs: the node it comes from, its way back."""

import asyncio
import fcntl
import json
import logging
import mmap
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmap_pool import SLAB_BYTES, Pages, numa
from tests.cli.test_submitting import transfer
from tests.daemon.test_metrics import samples, value
from tests.mmap_pool.system_pages import huge_pages
from tests.outside import ROOT
from tests.running import running
from txpool.daemon.slab_memory import return_at_once, scavenge, settle_on_node
from txpool.stores.mmap import UNBOUND, MmapStore

PATIENCE_S = 10
SLABS = 8
TRANSFERS = 600
RECORD = bytes(112)
F_SEAL_FUTURE_WRITE = 0x10  # from then on nobody writes to the file but through maps that exist; no holes either

# A filter for system calls like a service manager's: mbind is answered with EPERM, all else is let through.
SANDBOX = """
import ctypes, logging, struct, sys
from mmap_pool import numa
from txpool.daemon.slab_memory import settle_on_node
from txpool.stores.mmap import MmapStore

logging.basicConfig(format="%(levelname)s %(message)s")
number = numa._MBIND[__import__("platform").machine()]
steps = struct.pack("=HBBIHBBIHBBIHBBI", 0x20, 0, 0, 0, 0x15, 0, 1, number, 0x06, 0, 0, 0x50001, 0x06, 0, 0, 0x7FFF0000)
code = ctypes.create_string_buffer(steps, len(steps))
program = ctypes.create_string_buffer(struct.pack("@HP", 4, ctypes.addressof(code)))
prctl = ctypes.CDLL(None, use_errno=True).prctl
assert prctl(38, 1, 0, 0, 0) == 0
if prctl(22, 2, program, 0, 0):
    sys.exit(77)
store = MmapStore.open(4 << 20, 8)
settle_on_node(store, 0)
assert store.put(bytes(8), b"payload")
print(store.numa_node)
"""


def filled(store: MmapStore) -> list[int]:
    """Fill a store; the handles."""
    handles = []
    while (handle := store.put(RECORD, bytes(4000))) is not None:
        handles.append(handle)
    return handles


@pytest.fixture
def emptied() -> Iterator[MmapStore]:
    """A store with eight slabs, of which nothing is used any more."""
    store = MmapStore.open(SLABS * SLAB_BYTES, len(RECORD), ask=Pages.NORMAL)
    for handle in filled(store):
        store.free(handle)
    yield store
    store.close()


async def until_returned(store: MmapStore, size: int) -> None:
    """Run the chore until so much is returned, in the turns that it leaves to others."""
    chore = asyncio.create_task(scavenge(store.scavenger, 1e-6))
    async with asyncio.timeout(PATIENCE_S):
        while store.returned_bytes < size and not chore.done():  # noqa: ASYNC110 - nobody else waits for it
            await asyncio.sleep(0)
    chore.cancel()
    await asyncio.gather(chore, return_exceptions=True)


def test_the_chore_returns_what_is_free_and_lets_others_have_their_turn(emptied: MmapStore) -> None:
    reserved = emptied.stats().bytes_reserved

    asyncio.run(until_returned(emptied, SLABS * SLAB_BYTES))

    assert reserved == emptied.returned_bytes == SLABS * SLAB_BYTES
    assert emptied.stats().bytes_reserved == 0
    assert emptied.pool.arena.report().file_bytes == 0
    emptied.check()


def test_when_memory_is_short_all_goes_back_at_once(emptied: MmapStore) -> None:
    kept = emptied.scavenger.keep_share, emptied.scavenger.keep_bytes

    asyncio.run(return_at_once(emptied.scavenger))

    assert emptied.returned_bytes == SLABS * SLAB_BYTES
    assert (emptied.scavenger.keep_share, emptied.scavenger.keep_bytes) == kept
    emptied.check()


def test_relief_goes_over_all_slabs_and_keeps_nothing_wherever_the_scavenger_is() -> None:
    store = MmapStore.open(SLABS * SLAB_BYTES, len(RECORD), ask=Pages.NORMAL)
    *handles, last = filled(store)
    for _ in range(SLABS // 2):
        store.scavenger.visit()  # nothing is free so far
    for handle in handles:
        store.free(handle)

    asyncio.run(return_at_once(store.scavenger))

    assert store.holds(last)
    assert store.stats().bytes_reserved <= 3 * mmap.PAGESIZE  # where the last one lies
    assert store.scavenger.survey.kept == 0
    store.check()
    store.close()


def test_what_is_free_on_pages_of_the_reserve_is_idle_and_on_others_goes_back() -> None:
    with huge_pages(SLABS):
        store = MmapStore.open(SLABS * SLAB_BYTES, len(RECORD), ask=Pages.HUGETLB)
        handles = filled(store)
        full = store.idle_reserve_bytes
        for handle in handles:
            store.free(handle)
        asyncio.run(return_at_once(store.scavenger))

        assert full < SLAB_BYTES  # what is left over behind the last slots
        assert store.stats().bytes_reserved == store.idle_reserve_bytes == SLABS * SLAB_BYTES
        store.close()


def test_what_is_free_on_pages_that_go_back_is_not_idle(emptied: MmapStore) -> None:
    assert emptied.stats().bytes_reserved == SLABS * SLAB_BYTES
    assert emptied.idle_reserve_bytes == 0


def test_without_an_interval_nothing_is_returned(emptied: MmapStore) -> None:
    asyncio.run(scavenge(emptied.scavenger, 0.0))

    assert emptied.returned_bytes == 0


def test_a_system_that_takes_no_pages_back_is_left_alone(emptied: MmapStore, caplog: pytest.LogCaptureFixture) -> None:
    fcntl.fcntl(emptied.pool.arena.fd, fcntl.F_ADD_SEALS, F_SEAL_FUTURE_WRITE)

    asyncio.run(scavenge(emptied.scavenger, 1e-6))
    asyncio.run(return_at_once(emptied.scavenger))

    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert emptied.returned_bytes == 0
    emptied.check()
    assert emptied.put(RECORD, bytes(4000))


def test_where_binding_is_forbidden_the_store_serves_unbound_and_it_is_said_once() -> None:
    ran = subprocess.run([sys.executable, "-c", SANDBOX], cwd=ROOT, capture_output=True, text=True, check=False)

    if ran.returncode == 77:
        pytest.skip("this system lets nobody filter its system calls")
    assert (ran.returncode, ran.stdout.strip()) == (0, str(UNBOUND)), ran.stderr
    assert ran.stderr.splitlines() == [
        "WARNING slabs are not bound to memory node 0: [Errno 1] mbind: Operation not permitted"
    ]


def test_with_one_node_or_the_setting_off_nothing_is_asked_of_the_kernel(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    store = MmapStore.open(SLAB_BYTES, len(RECORD))

    settle_on_node(store, "off")
    if len(numa.nodes()) == 1:
        settle_on_node(store, "auto")

    assert store.numa_node == UNBOUND
    assert caplog.records == []
    store.close()


def test_a_node_that_is_not_there_leaves_the_store_unbound(caplog: pytest.LogCaptureFixture) -> None:
    store = MmapStore.open(SLAB_BYTES, len(RECORD))

    settle_on_node(store, max(numa.nodes()) + 1)

    assert store.numa_node == UNBOUND
    assert len(caplog.records) == 1
    store.close()


def test_what_a_block_includes_leaves_its_memory_to_the_system() -> None:
    calls = [
        {"jsonrpc": "2.0", "id": nonce, "method": "eth_sendRawTransaction", "params": [transfer(nonce)]}
        for nonce in range(TRANSFERS)
    ]
    roomy = ("--set", f"pool.account_slots={TRANSFERS}", "--set", f"pool.global_slots={TRANSFERS}")
    asked = ("--set", "slab.pages=normal", "--set", "slab.scavenge_seconds=0.01")
    with running("--dev", "--dev-period", "0", *roomy, *asked) as daemon:
        for start in range(0, TRANSFERS, 100):
            answers = json.loads(daemon.post(json.dumps(calls[start : start + 100]).encode())[1])
            assert all("result" in answer for answer in answers), answers
        held = value(samples(daemon), "txpool_slab_bytes", state="used")
        assert held > TRANSFERS * 200

        daemon.call("dev_mine", 1)

        deadline = time.monotonic() + PATIENCE_S
        while (returned := value(samples(daemon), "txpool_slab_returned_bytes_total")) < held:
            assert time.monotonic() < deadline, returned


def test_the_daemon_shows_its_node_as_the_kernel_does() -> None:
    node = numa.nodes()[-1]
    with running("--dev", "--set", f"slab.numa={node}") as daemon:
        found = samples(daemon)
        maps = Path(f"/proc/{daemon.process.pid}/numa_maps")
        if not maps.exists():
            pytest.skip("this kernel knows no memory nodes")
        lines = [line for line in maps.read_text().splitlines() if "memfd:slab" in line]

    assert value(found, "txpool_slab_numa_node") == node
    assert value(found, "txpool_slab_returned_bytes_total") == value(found, "txpool_slab_fragmentation_ratio") == 0
    assert lines
    assert all(re.search(rf"^\w+ prefer(=static)?:{node} ", line) for line in lines)
