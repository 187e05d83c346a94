"""The input log where the disk is full: what is whole stays, and who is recorded goes on."""

import os
from collections.abc import Iterator
from errno import ENOSPC
from io import FileIO
from pathlib import Path

import pytest

from tests.core.stand import ALICE, BOB, CAROL, RICH, head_at, offer
from txpool.core.candidate import Candidate
from txpool.core.events import EventRing
from txpool.core.head import HeadChange
from txpool.core.pool import Accepted
from txpool.core.settings import PoolSettings
from txpool.history.input_log import Began, InputLog, RecordedPool, read_entries
from txpool.stores.heap import HeapStore

EVENTS = 64


class SmallDisk(FileIO):
    """A file on a disk with little room: what does not fit is written in part, and the next time refused."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "xb")
        self.room = 1 << 20

    def write(self, data: "memoryview | bytes") -> int:  # type: ignore[override]  # as it is called here
        fits = bytes(data)[: self.room]
        if not fits:
            raise OSError(ENOSPC, os.strerror(ENOSPC))
        self.room -= len(fits)
        return super().write(fits)


class Recorded:
    """A pool whose recording may end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.disk = SmallDisk(path)
        self.told: list[OSError] = []
        log = InputLog(self.disk, self.told.append)
        self.pool = RecordedPool(PoolSettings(), head_at(), HeapStore(1 << 20), EventRing(EVENTS), log)

    def send(self, one: Candidate) -> bool:
        assert isinstance(one.sender, bytes)
        verdicts, _ = self.pool.submit([one], {one.sender: RICH}, now=0)
        return isinstance(verdicts[0], Accepted)

    def entries(self) -> list[str]:
        return [type(entry).__name__ for entry in read_entries(self.path)]


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    recorded = Recorded(tmp_path / "inputs")
    with recorded.disk:
        yield recorded


@pytest.mark.parametrize("room", [0, 3, 40])
def test_on_a_full_disk_the_recording_ends_with_the_last_whole_entry_and_the_pool_goes_on(
    recorded: Recorded, room: int
) -> None:
    assert recorded.send(offer(ALICE))
    whole = recorded.path.stat().st_size
    recorded.disk.room = room

    assert recorded.send(offer(BOB))
    recorded.disk.room = 1 << 20  # somebody has made room: too late, for there would be a hole
    assert recorded.send(offer(CAROL))

    assert recorded.pool.counts().pending == 3
    assert recorded.path.stat().st_size == whole
    assert recorded.entries() == ["Began", "Submitted"]
    assert [why.errno for why in recorded.told] == [ENOSPC]


def test_a_head_is_followed_though_it_cannot_be_recorded(recorded: Recorded) -> None:
    recorded.send(offer(ALICE))
    recorded.disk.room = 0

    recorded.pool.advance(HeadChange(head_at(2), {}), now=1)

    assert recorded.pool.head == head_at(2)
    assert recorded.entries() == ["Began", "Submitted"]


def test_a_write_in_parts_is_no_end(tmp_path: Path) -> None:
    class Hesitant(FileIO):
        def write(self, data: "memoryview | bytes") -> int:  # type: ignore[override]  # as it is called here
            return super().write(bytes(data)[:7])

    with Hesitant(tmp_path / "inputs", "xb") as file:
        told: list[OSError] = []
        RecordedPool(PoolSettings(), head_at(), HeapStore(1 << 20), EventRing(EVENTS), InputLog(file, told.append))

    assert [type(entry) for entry in read_entries(tmp_path / "inputs")] == [Began]
    assert not told
