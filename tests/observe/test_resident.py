import gc
import mmap
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.observe.clocks import Clock
from txpool.observe.memory import Memory
from txpool.observe.resident import STATUS, Resident

MB = 1 << 20
ROWS = "VmRSS:\t60 kB\nRssAnon:\t    10 kB\nRssFile:\t    20 kB\nRssShmem:\t    30 kB\nHugetlbPages:\t    2048 kB\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "status"
    path.write_text(text)
    return path


def descriptors() -> int:
    """How many are open, with the one that looks."""
    return len(list(Path("/proc/self/fd").iterdir()))


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Nothing can be opened in here, and what is open goes on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            os.open(STATUS, os.O_RDONLY)
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_resident_bytes_are_told_by_kind(tmp_path: Path) -> None:
    assert Resident(written(tmp_path, ROWS)).kinds() == (10 << 10, 30 << 10, 20 << 10, 2 * MB)


def test_a_kind_that_the_kernel_does_not_have_is_nothing(tmp_path: Path) -> None:
    assert Resident(written(tmp_path, "RssAnon:\t 10 kB\nRssFile:\t 20 kB\n")).kinds() == (10 << 10, 0, 20 << 10, 0)


@pytest.mark.parametrize("text", ["", "VmRSS:\t60 kB\n"])
def test_what_the_kernel_does_not_tell_is_unknown(tmp_path: Path, text: str) -> None:
    silent = Resident(written(tmp_path, text))

    assert (silent.kinds(), silent.held()) == (None, None)
    assert Resident(tmp_path / "absent").held() is None


def test_held_memory_is_that_of_heap_slabs_and_huge_pages(tmp_path: Path) -> None:
    held = Resident().held()

    assert Resident(written(tmp_path, ROWS)).held() == (40 << 10) + 2 * MB
    assert held is not None
    assert MB < held < 1 << 40


def test_memory_is_seen_as_it_is_when_no_descriptor_is_left() -> None:
    resident, memory = Resident(), Memory(Clock())
    with no_descriptors_left():
        before = resident.held()
        with mmap.mmap(-1, 32 * MB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as region:
            region[:: mmap.PAGESIZE] = bytes(len(region) // mmap.PAGESIZE)
            after = resident.held()

        assert before is not None
        assert after is not None
        assert after - before > 30 * MB
        assert memory.look_at_heap() > MB


def test_what_is_unknown_leaves_the_last_reading(tmp_path: Path) -> None:
    path = written(tmp_path, ROWS)
    memory = Memory(Clock(), Resident(path))
    memory.look_at_heap()

    path.write_text("")

    assert memory.look_at_heap() == 10 << 10


def test_the_descriptor_is_closed_with_who_held_it() -> None:
    gc.collect()
    before = descriptors()
    resident = Resident()
    assert descriptors() == before + 1

    del resident

    assert descriptors() == before


def test_private_memory_grows_with_the_heap_and_not_with_the_slabs() -> None:
    memory = Memory(Clock())
    before = memory.look_at_heap()
    with mmap.mmap(-1, 32 * MB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as private:
        private[:: mmap.PAGESIZE] = bytes(len(private) // mmap.PAGESIZE)
        with_private = memory.look_at_heap()
        with mmap.mmap(-1, 32 * MB, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS) as shared:
            shared[:: mmap.PAGESIZE] = bytes(len(shared) // mmap.PAGESIZE)
            with_both = memory.look_at_heap()

    assert with_private - before > 30 * MB
    assert with_both - with_private < 8 * MB
