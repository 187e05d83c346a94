"""What a recording comes to: the pool's inputs, fed to a fresh pool."""

import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from txpool.commands.failures import Refused
from txpool.commands.output import print_json, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from txpool.core.pool import Pool
    from txpool.history.input_log import Entry

STORE_BYTES: Final = 1 << 40  # memory is taken for what is there only


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--until", metavar="N", type=click.IntRange(min=1), help="Stop behind entry N.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def replay(*, file: Path, until: int | None, as_json: bool) -> None:
    """Feed a recording (data.input_log) to a fresh pool.

    Nothing listens and no chain runs. The same log gives the same digest of events wherever it is replayed; where the
    store of the daemon was full, what it refused for that is taken here.
    """
    found, torn = _replayed(file, until)
    if as_json:
        print_json(found | {"torn": torn})
    else:
        say(_described(found))
    if torn:
        raise Refused(f"{file} is torn: entry {found['entries'] + 1} is not whole, those before it were replayed")


def _replayed(file: Path, until: int | None) -> tuple[dict[str, Any], bool]:
    """What came of it, and whether the last entry is torn."""
    from msgspec.structs import asdict

    from txpool.history.digest import RunningDigest
    from txpool.history.input_log import InputLogError, LogReader
    from txpool.history.input_log import replay as feed
    from txpool.stores.heap import HeapStore

    kinds: Counter[str] = Counter()
    digest = RunningDigest()
    with (
        file.open("rb") as opened,
        click.progressbar(length=file.stat().st_size, label="replaying", file=sys.stderr) as bar,
    ):
        reader = LogReader(opened)

        def watch(pool: "Pool") -> None:
            digest.follow(pool.events)
            bar.update(reader.bytes_read - bar.pos)

        try:
            pool = feed(_counted(islice(reader, until), kinds), HeapStore(STORE_BYTES), watch)
        except InputLogError as error:
            raise Refused(f"{file}: {error}") from None
    found = {
        "entries": reader.count,
        "kinds": dict(sorted(kinds.items())),
        "head": pool.head.number,
        **asdict(pool.counts()),
        "events": digest.next_seq,
        "digest": None if digest.missed else str(digest),
    }
    return found, reader.torn


def _counted(entries: "Iterator[Entry]", kinds: Counter[str]) -> "Iterator[Entry]":
    for entry in entries:
        kinds[type(entry).__name__.lower()] += 1
        yield entry


def _described(found: dict[str, Any]) -> str:
    """Write it for people."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in found["kinds"].items())
    lines = (
        f"entries  {found['entries']}: {kinds}",
        f"head     {found['head']}",
        f"pending  {found['pending']}, {found['blob_pending']} with blobs",
        f"queued   {found['queued']}, {found['blob_queued']} with blobs",
        f"senders  {found['senders']}",
        f"bytes    {found['pending_bytes'] + found['queued_bytes'] + found['blob_bytes']}",
        f"events   {found['events']}",
        f"digest   {found['digest'] or 'unknown: an entry caused more events than events.capacity'}",
    )
    return "\n".join(lines)
