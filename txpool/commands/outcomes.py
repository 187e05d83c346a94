"""What became of what was handed in, line by line, until blocks hold it."""

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from txpool.client.errors import TimedOutError
from txpool.commands.output import print_json, say, tell

if TYPE_CHECKING:
    from txpool.client.jsonrpc import RpcClient
    from txpool.client.submission import Inclusion, Outcome


def with_progress(batches: "Iterator[list[Outcome]]") -> "Iterator[list[Outcome]]":
    """Show how far it has got, if somebody watches and the results go elsewhere."""
    watched = sys.stderr.isatty() and not sys.stdout.isatty()
    done = refused = 0
    for batch in batches:
        done += len(batch)
        refused += sum(outcome.error is not None for outcome in batch)
        if watched:
            tell(f"\r{done} handed in, {refused} refused", end="")
        yield batch
    if watched:
        tell("")


def report(batches: "Iterable[list[Outcome]]", *, as_json: bool, alone: bool) -> tuple[list[str], int]:
    """Print a line for each outcome. Returns the accepted hashes and how many were refused."""
    accepted: list[str] = []
    refused = 0
    for outcome in (outcome for batch in batches for outcome in batch):
        if outcome.error is None:
            assert outcome.hash is not None
            accepted.append(outcome.hash)
        else:
            refused += 1
        if as_json:
            print_json(_outcome_json(outcome))
        else:
            _print_outcome(outcome, alone=alone)
    return accepted, refused


def _outcome_json(outcome: "Outcome") -> dict[str, object]:
    if outcome.error is None:
        return {"line": outcome.line, "result": "accepted", "hash": outcome.hash}
    return {"line": outcome.line, "result": "refused", "error": outcome.error.to_json()}


def _print_outcome(outcome: "Outcome", *, alone: bool) -> None:
    from txpool.client.advice import advice

    if outcome.error is None:
        say(str(outcome.hash) if alone else f"{outcome.line}  accepted  {outcome.hash}")
        return
    words = click.style("refused", fg="red") + f"  {outcome.error.message}"
    if alone:
        tell(words)
        if hint := advice(outcome.error.message):
            tell(hint)
    else:
        say(f"{outcome.line}  {words}")


def await_blocks(client: "RpcClient", hashes: list[str], timeout: float, *, as_json: bool) -> None:
    """Wait until blocks hold them, and print where each is."""
    from txpool.client.submission import inclusions

    late = 0
    for inclusion in inclusions(client, hashes, timeout):
        late += inclusion.block is None
        _print_inclusion(inclusion, as_json=as_json)
    if late:
        raise TimedOutError(
            f"no block held {late} of {len(hashes)} within {timeout:g} s\n"
            "`txpool inspect` says what they wait for; with `--dev-period 0` only `dev_mine` makes blocks."
        )


def _print_inclusion(inclusion: "Inclusion", *, as_json: bool) -> None:
    if as_json:
        print_json(inclusion._asdict())
    elif inclusion.block is not None:
        tell(f"{inclusion.hash}  block {inclusion.block}" + ("" if inclusion.succeeded else "  failed"))
