"""What the system grants in large pages, for root changed for the length of a test; where it cannot be, a skip."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from loadtest import system_pages


@contextmanager
def huge_pages(count: int) -> Iterator[None]:
    """Have at least `count` free pages in the reserve; afterwards it is as it was."""
    with system_pages.huge_pages(count, may_raise=True) as missing:
        if missing:
            pytest.skip(missing)
        yield


@contextmanager
def transparent_pages(switch: str) -> Iterator[None]:
    """Have `shmem_enabled` say `switch`; afterwards it is as it was."""
    with system_pages.transparent_pages(switch) as missing:
        if missing:
            pytest.skip(missing)
        yield
