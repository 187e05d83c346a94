"""Which entry point of the daemon led to an allocation, decided by the frames of its stack: one table.

A test holds the table to the code: every file, folder and function that it names is there.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

OTHER: Final = "other"


class Place(NamedTuple):
    """Functions of a file, also where they are done `_in_steps`; none named: all of them. A folder ends in `/`."""

    path: str
    functions: frozenset[str] = frozenset()

    def holds(self, function: str, file: str) -> bool:
        """Whether a frame is of this place."""
        there = file.startswith(self.path) if self.path.endswith("/") else file == self.path
        return there and (not self.functions or function.removesuffix("_in_steps") in self.functions)


class EntryPoint(NamedTuple):
    """What the daemon does for somebody, and how a stack shows that it was doing it."""

    name: str
    meaning: str
    places: tuple[Place, ...]


def _of(path: str, *functions: str) -> Place:
    return Place(path, frozenset(functions))


# The first row that has a frame on the stack names it: what is done in the course of something else stands above that.
ENTRY_POINTS: Final = (
    EntryPoint(
        "eviction",
        "making room, dropping what is too old or removed by hand, and keeping the order of dropping",
        (
            _of("txpool/core/eviction.py"),
            _of("txpool/core/late_eviction.py"),
            _of("txpool/core/limits.py"),
            _of("txpool/core/blob_pool.py", "_drop_worst"),
            _of("txpool/core/pool.py", "expire", "remove"),
        ),
    ),
    EntryPoint(
        "content query",
        "`txpool_content`, `txpool_inspect`, `txpool_contentFrom`, and their pieces as they are sent",
        (_of("txpool/rpc/content.py"), _of("txpool/rpc/txpool.py"), _of("txpool/rpc/streaming.py")),
    ),
    EntryPoint(
        "snapshot",
        "a picture of the pool for a builder or a dry run: `pool_best`, `pool_check`, a block as it is filled",
        (
            _of("txpool/core/best.py"),
            _of("txpool/core/foresee.py"),
            _of("txpool/core/overlay.py"),
            _of("txpool/rpc/pool.py", "_best"),
        ),
    ),
    EntryPoint(
        "head update",
        "following the chain; on the dev chain also making the block",
        (
            _of("txpool/core/pool.py", "advance"),
            _of("txpool/core/head_update.py", "apply_head_change"),
            _of("txpool/daemon/node.py", "_settle"),
            _of("txpool/chain/dev.py", "mine", "mine_if_filled", "reorg"),
        ),
    ),
    EntryPoint(
        "pool add",
        "a transaction on its way in: decoding, recovering its sender, judging, storing",
        (
            _of("txpool/core/pool.py", "submit"),
            _of("txpool/ingest/"),
            _of("txpool/rpc/service.py", "_send"),
        ),
    ),
    EntryPoint("rpc other", "any other call, and reading and answering requests", (_of("txpool/rpc/"),)),
)
NAMES: Final = (*(each.name for each in ENTRY_POINTS), OTHER)


def entry_of(frames: Iterable[tuple[str, str]]) -> str:
    """Name the entry point of a stack.

    Args:
        frames: function and file of each, in any order; files of ours from the folder on that holds `txpool/`.
    """
    ours = [frame for frame in frames if frame[1].startswith("txpool/")]
    for entry in ENTRY_POINTS:
        if any(place.holds(*frame) for place in entry.places for frame in ours):
            return entry.name
    return OTHER
