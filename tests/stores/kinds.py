"""The daemon's stores, as large as it makes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from txpool.config import Settings
from txpool.daemon import store as made
from txpool.daemon.store import OwnStore

KINDS: Final = tuple(made.KINDS)


@contextmanager
def store_of(kind: str) -> Iterator[OwnStore]:
    """Open a store of that kind with default settings; closed at the end."""
    store = made.open_store(msgspec.convert({"store": {"kind": kind}}, Settings))
    try:
        yield store
    finally:
        store.close()
