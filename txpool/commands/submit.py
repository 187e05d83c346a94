"""Signed transactions: hand them in, or try what would become of them."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from io import BufferedReader
from typing import TYPE_CHECKING, cast

import click

from txpool.commands.failures import PARTLY_REFUSED, REFUSED
from txpool.commands.outcomes import await_blocks, report, with_progress
from txpool.commands.output import print_json, say, tell
from txpool.commands.remote import connect, remote

if TYPE_CHECKING:
    from txpool.client.input_lines import Line


@click.command()
@click.argument("raw", nargs=-1)
@click.option("--file", "file", type=click.File("rb"), help="One transaction a line; - is standard input.")
@click.option("--wait", is_flag=True, help="Wait until blocks hold what the pool took.")
@remote
def submit(
    *,
    raw: tuple[str, ...],
    file: BufferedReader | None,
    wait: bool,
    as_json: bool,
    rpc: str,
    timeout: float,
) -> None:
    """Hand in signed transactions.

    They come as hexadecimal RAW arguments, from a file, or from standard input, one a line. What has come is handed in
    at once, a hundred at a time at most.
    """
    from txpool.client.input_lines import as_they_come
    from txpool.client.submission import submit as hand_in

    groups = _transactions(raw, file)
    client = connect(rpc, timeout)
    outcomes = with_progress(hand_in(client, as_they_come(groups), timeout))
    accepted, refused = report(outcomes, as_json=as_json, alone=len(raw) == 1)
    if not accepted and not refused:
        raise click.UsageError("no transaction in the input")
    if wait and accepted:
        await_blocks(client, accepted, timeout, as_json=as_json)
    if refused:
        sys.exit(PARTLY_REFUSED if accepted else REFUSED)


@click.command()
@click.argument("raw", nargs=-1)
@click.option("--file", "file", type=click.File("rb"), help="One transaction a line; - is standard input.")
@remote
def check(*, raw: tuple[str, ...], file: BufferedReader | None, as_json: bool, rpc: str, timeout: float) -> None:
    """Say what would become of signed transactions.

    Nothing is handed in. They are tried as if submitted one after another, a hundred at a time.
    """
    from txpool.client.advice import advice
    from txpool.client.input_lines import in_full
    from txpool.client.lifecycle import check as try_out
    from txpool.client.lifecycle import describe_check

    groups = _transactions(raw, file)
    checked = [each for batch in try_out(connect(rpc, timeout), in_full(groups)) for each in batch]
    if not checked:
        raise click.UsageError("no transaction in the input")
    if as_json:
        for each in checked:
            print_json({"line": each.line, **each.told})
    else:
        say(describe_check(checked))
        for hint in dict.fromkeys(advice(each.message) for each in checked if each.message):
            if hint:
                tell(hint)
    refused = sum(not each.accepted for each in checked)
    if refused:
        sys.exit(PARTLY_REFUSED if refused < len(checked) else REFUSED)


def _transactions(raw: tuple[str, ...], file: BufferedReader | None) -> "Iterator[Sequence[Line]]":
    """Those of arguments, a file or standard input, numbered, in groups of what came together."""
    from txpool.client.input_lines import transactions

    if raw and file:
        raise click.UsageError("give transactions as arguments or as a file, not both")
    if not raw and file is None:
        if sys.stdin.isatty():
            raise click.UsageError("no transaction: give raw hex, or --file FILE, or pipe lines in")
        file = cast("BufferedReader", sys.stdin.buffer)
    groups: Iterable[Sequence[str]] = [raw] if file is None else _text_lines(file)
    return transactions(groups)


def _text_lines(file: BufferedReader) -> Iterator[list[str]]:
    from txpool.client.input_lines import arriving

    try:
        yield from arriving(file)
    except UnicodeDecodeError:
        raise click.UsageError(f"{file.name} is no text: one transaction a line is wanted, in hexadecimal") from None
