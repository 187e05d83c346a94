import mmap
from pathlib import Path

from txpool.observe.resident import heap_bytes, held_bytes, read_status, resident_bytes

MB = 1 << 20
STATUS = b"VmRSS:\t60 kB\nRssAnon:\t    10 kB\nRssFile:\t    20 kB\nRssShmem:\t    30 kB\nHugetlbPages:\t    2048 kB\n"


def test_resident_bytes_are_told_by_kind() -> None:
    anonymous, shared, file, huge = resident_bytes(STATUS)

    assert (anonymous, shared, file, huge) == (10 << 10, 30 << 10, 20 << 10, 2 * MB)
    assert resident_bytes(b"") == (0, 0, 0, 0)


def test_where_the_kernel_says_nothing_nothing_is_read(tmp_path: Path) -> None:
    assert read_status(str(tmp_path / "absent")) == b""


def test_resident_memory_is_that_of_heap_slabs_and_huge_pages(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("VmRSS:\t  99 kB\nRssAnon:\t  10 kB\nRssFile:\t 7 kB\nRssShmem:\t 20 kB\nHugetlbPages:\t 40 kB\n")

    assert held_bytes(status) == 70 * 1024
    assert held_bytes(tmp_path / "nothing") == 0
    assert 1 << 20 < held_bytes() < 1 << 40


def test_heap_bytes_grow_with_private_memory_and_not_with_shared(tmp_path: Path) -> None:
    before = heap_bytes()
    with mmap.mmap(-1, 32 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as private:
        private[:: mmap.PAGESIZE] = bytes(len(private) // mmap.PAGESIZE)
        with_private = heap_bytes()
        with mmap.mmap(-1, 32 << 20, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS) as shared:
            shared[:: mmap.PAGESIZE] = bytes(len(shared) // mmap.PAGESIZE)
            with_both = heap_bytes()

    assert with_private - before > 30 << 20
    assert with_both - with_private < 8 << 20
    assert heap_bytes(tmp_path / "absent") == 0
