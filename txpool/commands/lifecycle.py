"""What became of a transaction, what happens, and what an operator takes out."""

from typing import Any, Final

import click

from txpool.client.hexadecimal import HASH_DIGITS, parse_hash
from txpool.commands.failures import Refused
from txpool.commands.output import print_json, say, tell
from txpool.commands.remote import connect, connect_privately, parsed, private, remote

SEQ_MAX: Final = 2**64 - 1
ADDRESS_DIGITS: Final = 40
# The steps of a transaction's life, as `txpool.core.lifecycle` has them.
KINDS: Final = (
    "received",
    "queued",
    "promoted",
    "demoted",
    "replaced",
    "evicted",
    "included",
    "rejected",
    "reinjected",
)


def _complete_reason(_context: click.Context, _option: click.Parameter, begun: str) -> list[str]:
    from txpool.core.rejection import Reason

    return [reason for reason in Reason if reason.startswith(begun)]


@click.command()
@click.argument("tx_hash", metavar="HASH")
@remote
def explain(*, tx_hash: str, as_json: bool, rpc: str, timeout: float) -> None:
    """Tell what became of a transaction, and what it waits for."""
    from txpool.client.lifecycle import describe_explanation

    tx_hash = parsed(parse_hash, tx_hash, "HASH")
    told = connect(rpc, timeout).call("pool_explain", tx_hash)
    if as_json:
        print_json(told)
    elif isinstance(told, dict):
        say(describe_explanation(told))
    if told is None:
        raise Refused(
            f"nothing is known of {tx_hash}\n"
            "It never came here, or its events are forgotten: the server keeps the newest ones (events.capacity)."
        )


@click.command()
@click.option("--from", "start", metavar="SEQ", help="Number to begin at, earliest or latest.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many.")
@click.option("--sender", "senders", metavar="ADDRESS", multiple=True, help="Only this address; may be repeated.")
@click.option(
    "--hash", "hashes", metavar="HASH", multiple=True, help="Only this transaction, or what it replaced or evicted."
)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only this step; may be repeated.")
@click.option(
    "--reason", "reasons", multiple=True, shell_complete=_complete_reason, help="Only this reason; may be repeated."
)
@click.option("--follow", is_flag=True, help="Go on with what happens, until interrupted.")
@remote
def events(
    *,
    start: str | None,
    limit: int | None,
    follow: bool,
    as_json: bool,
    rpc: str,
    timeout: float,
    **wanted: tuple[str, ...],
) -> None:
    """List what happened in the pool, or follow it.

    Without --from: everything that is remembered, or with --follow what happens from now on.
    """
    from itertools import islice

    from txpool.client.events import describe_event
    from txpool.client.events import events as read_events

    place = start or ("latest" if follow else "earliest")
    if place not in {"earliest", "latest"} and not (place.isascii() and place.isdigit()):
        raise click.BadParameter(f"{place!r} is no number, nor earliest or latest", param_hint="--from")
    if place.isdigit() and int(place) > SEQ_MAX:
        raise click.BadParameter(f"{place} is more than there can be events", param_hint="--from")
    told = read_events(connect(rpc, timeout), place, _event_filter(**wanted), follow=follow)
    try:
        for event in islice(told, limit):
            if as_json:
                print_json(event)
            else:
                say(describe_event(event))
    except KeyboardInterrupt:
        return


def _event_filter(
    senders: tuple[str, ...], hashes: tuple[str, ...], kinds: tuple[str, ...], reasons: tuple[str, ...]
) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if senders:
        from txpool.client.content import checksummed

        given["sender"] = [parsed(checksummed, each, "--sender") for each in senders]
    if hashes:
        given["hash"] = [parsed(parse_hash, each, "--hash") for each in hashes]
    if kinds:
        given["kinds"] = list(kinds)
    if reasons:
        given["reasons"] = [parsed(_reason, each, "--reason") for each in reasons]
    return given


def _reason(text: str) -> str:
    from difflib import get_close_matches

    from txpool.core.rejection import Reason

    if text not in set(Reason):
        near = get_close_matches(text, Reason)
        raise ValueError(f"there is no reason {text!r}" + (f"; there is {' and '.join(near)}" if near else ""))
    return text


@click.command()
@click.argument("named", metavar="HASH|ADDRESS")
@private
def remove(*, named: str, as_json: bool, rpc: str, timeout: float) -> None:
    """Take a transaction, or all of a sender, out of the pool.

    The daemon takes that over its Unix socket alone.
    """
    from txpool.client.lifecycle import remove as let_go

    named = parsed(_name, named, "HASH|ADDRESS")
    removed = let_go(connect_privately(rpc, timeout), named)
    if as_json:
        print_json({"removed": removed})
        return
    for tx_hash in removed:
        say(tx_hash)
    tell(f"{len(removed)} removed; `txpool explain HASH` tells of each, and of what waits behind it now.")


def _name(text: str) -> str:
    from txpool.client.content import checksummed

    read = {ADDRESS_DIGITS: checksummed, HASH_DIGITS: parse_hash}.get(len(text.removeprefix("0x")))
    if read is None:
        raise ValueError(f"{text!r} is neither a hash, 0x and 64 hexadecimal digits, nor an address, 0x and 40")
    return read(text)
