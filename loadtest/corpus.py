"""A corpus on disk: signed transactions side by side in one file that is mapped, and a manifest beside it.

    transactions.bin   header | transaction | transaction | ... | offsets: count + 1 of 8 bytes | kinds: count of 1
    header, 64 bytes   magic 8 | version 4 | zero 4 | count 8 | where the offsets start 8 | chain id 8 | zeros
    manifest.json      the recipe or the source, counts by kind, SHA-256 of transactions.bin
    genesis.json       funds every sender; geth's format, for geth, anvil and our dev chain

Numbers are little-endian. Nonces begin where the genesis has them, so a corpus is good for one run on a fresh chain.
"""

import hashlib
import json
import mmap
import struct
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from loadtest.genesis import Account, genesis
from loadtest.plan import ACCEPTED, Kind, Order, blob_senders, orders
from loadtest.recorded import Recorded
from loadtest.scenario import Recipe
from loadtest.signing import address_of, sign_orders

MAGIC: Final = b"TXLOAD\r\n"
VERSION: Final = 1
HEADER: Final = struct.Struct("<8sI4xQQQ24x")
SPARE_BALANCE: Final = 10**18  # wei that a sender of recorded transactions has beyond what they may cost
CHUNK: Final = 2000  # transactions that a worker signs at a time
FILE: Final = "transactions.bin"
MANIFEST: Final = "manifest.json"
GENESIS: Final = "genesis.json"


class CorpusError(Exception):
    """The files are no corpus of ours, or are damaged."""


class Manifest(msgspec.Struct, frozen=True):
    """What a corpus is; one that was recorded elsewhere has a source instead of a recipe."""

    recipe: Recipe | None
    transactions: int
    senders: int
    kinds: dict[str, int]
    bytes: int
    sha256: str
    source: str | None = None


class Corpus:
    """A corpus to read from; use it as a context, or close it."""

    def __init__(self, folder: Path) -> None:
        """Map a corpus.

        Raises:
            CorpusError: it is none.
        """
        try:
            self.manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
            with (folder / FILE).open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise CorpusError(f"{folder}: no corpus: {error}") from None
        header: tuple[bytes, int, int, int, int] = HEADER.unpack_from(self._map)
        magic, version, self.count, index, self.chain_id = header
        if magic != MAGIC or version != VERSION or index + 9 * self.count + 8 != len(self._map):
            raise CorpusError(f"{folder}: {FILE} is damaged, or of another version")
        self.folder = folder
        self.genesis_path = folder / GENESIS
        self._offsets = array("Q", self._map[index : index + 8 * (self.count + 1)])
        self._kinds = self._map[index + 8 * (self.count + 1) :]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> bytes:
        return self._map[self._offsets[number] : self._offsets[number + 1]]

    def kind(self, number: int) -> Kind:
        """What a transaction is for."""
        return Kind(self._kinds[number])

    def acceptable(self, start: int, stop: int) -> int:
        """How many of a stretch a pool with room should take."""
        return sum(kind in ACCEPTED for kind in self._kinds[start:stop])

    def verify(self) -> None:
        """See that the file is what the manifest says.

        Raises:
            CorpusError: it is not.
        """
        if hashlib.sha256(self._map).hexdigest() != self.manifest.sha256:
            raise CorpusError(f"{self.folder}: {FILE} is damaged: its SHA-256 is not that of the manifest")

    def close(self) -> None:
        """Unmap the file."""
        self._map.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def prepare(
    recipe: Recipe,
    transactions: int,
    folder: Path,
    *,
    processes: int,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> Manifest:
    """Write a corpus: plan here, sign on `processes` cores. `on_progress` hears how many are done."""
    senders = recipe.senders + blob_senders(recipe, transactions)
    accounts = {address_of(recipe.seed, number): Account() for number in range(senders)}
    chunks = (
        ([order.kind for order in planned], signed) for planned, signed in _signed(recipe, transactions, processes)
    )
    bare = Manifest(recipe=recipe, transactions=0, senders=senders, kinds={}, bytes=0, sha256="")
    return _write(folder, recipe.chain_id, accounts, bare, chunks, on_progress)


def keep(recorded: Recorded, folder: Path, source: str) -> Manifest:
    """Write a corpus of what was recorded elsewhere; each sender begins at the least nonce that it has there."""
    accounts: dict[bytes, Account] = {}
    for sender, tx in zip(recorded.senders, recorded.txs, strict=True):
        balance, nonce = accounts.get(sender, Account(SPARE_BALANCE, tx.nonce))
        accounts[sender] = Account(balance + tx.cost, min(nonce, tx.nonce))
    bare = Manifest(recipe=None, transactions=0, senders=len(accounts), kinds={}, bytes=0, sha256="", source=source)
    chunk = [int(Kind.REGULAR)] * len(recorded.raws), recorded.raws
    return _write(folder, recorded.chain_id, accounts, bare, [chunk])


def _write(
    folder: Path,
    chain_id: int,
    accounts: Mapping[bytes, Account],
    bare: Manifest,
    chunks: Iterable[tuple[Sequence[int], Sequence[bytes]]],
    on_progress: Callable[[int], None] = lambda _done: None,
) -> Manifest:
    """Write the files; the manifest with all that only they can tell."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GENESIS).write_text(json.dumps(genesis(chain_id, accounts)))
    kinds = bytearray()
    offsets = array("Q", [HEADER.size])
    with (folder / FILE).open("wb") as file:
        file.write(bytes(HEADER.size))
        for chunk_kinds, signed in chunks:
            for raw in signed:
                offsets.append(offsets[-1] + len(raw))
            file.writelines(signed)
            kinds += bytes(chunk_kinds)
            on_progress(len(kinds))
        file.write(offsets.tobytes() + kinds)
        file.seek(0)
        file.write(HEADER.pack(MAGIC, VERSION, len(kinds), offsets[-1], chain_id))
    manifest = msgspec.structs.replace(
        bare,
        transactions=len(kinds),
        kinds={Kind(kind).name.lower(): number for kind, number in sorted(Counter(kinds).items())},
        bytes=offsets[-1] - HEADER.size,
        sha256=_digest(folder / FILE),
    )
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _signed(recipe: Recipe, transactions: int, processes: int) -> Iterator[tuple[Sequence[Order], list[bytes]]]:
    """Chunks of orders with their signed bytes, in order."""
    chunks = _chunks(orders(recipe, transactions))
    if processes == 1 or transactions <= CHUNK:
        for chunk in chunks:
            yield chunk, sign_orders(recipe.seed, recipe.chain_id, msgspec.msgpack.encode(chunk))
        return
    under_way: deque[tuple[list[Order], Future[list[bytes]]]] = deque()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for chunk in chunks:
            packed = msgspec.msgpack.encode(chunk)
            under_way.append((chunk, pool.submit(sign_orders, recipe.seed, recipe.chain_id, packed)))
            if len(under_way) > 2 * processes:
                planned, future = under_way.popleft()
                yield planned, future.result()
        for planned, future in under_way:
            yield planned, future.result()


def _chunks(stream: Iterable[Order]) -> Iterator[list[Order]]:
    stream = iter(stream)
    while chunk := list(islice(stream, CHUNK)):
        yield chunk
