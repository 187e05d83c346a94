"""What the system grants in large pages: looked up, and for root changed for the length of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

RESERVE: Final = Path("/proc/sys/vm/nr_hugepages")
POOL: Final = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
SHARED: Final = Path("/sys/kernel/mm/transparent_hugepage/shmem_enabled")


def free_huge_pages() -> int:
    """Those that nobody has, and that nobody has set aside."""
    if not POOL.exists():
        return 0
    return int((POOL / "free_hugepages").read_text()) - int((POOL / "resv_hugepages").read_text())


@contextmanager
def huge_pages(count: int) -> Iterator[None]:
    """Have at least `count` free pages in the reserve; afterwards it is as it was."""
    if not POOL.exists():
        pytest.skip("the kernel has no reserve of huge pages")
    before = RESERVE.read_text()
    missing = count - free_huge_pages()
    try:
        if missing > 0:
            _write(RESERVE, str(int(before) + missing), f"vm.nr_hugepages is {before.strip()}")
        if free_huge_pages() < count:
            pytest.skip(f"the system finds no room for {count} huge pages")
        yield
    finally:
        if RESERVE.read_text() != before:
            RESERVE.write_text(before)


@contextmanager
def transparent_pages(switch: str) -> Iterator[None]:
    """Have `shmem_enabled` say `switch`; afterwards it is as it was."""
    if not SHARED.exists():
        pytest.skip("the kernel has no transparent large pages")
    before = next(word for word in SHARED.read_text().split() if word.startswith("[")).strip("[]")
    if before == switch:
        yield
        return
    _write(SHARED, switch, f"shmem_enabled is {before}")
    try:
        yield
    finally:
        SHARED.write_text(before)


def _write(switch: Path, value: str, as_it_is: str) -> None:
    try:
        switch.write_text(value)
    except OSError as error:
        pytest.skip(f"{as_it_is}, and only root may change it: {error}")
