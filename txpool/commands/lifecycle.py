"""What became of a transaction, what happens, and what an operator takes out."""

from typing import Any, Final

import click

from txpool.commands.failures import Refused
from txpool.commands.output import print_json, say, tell
from txpool.commands.remote import DEFAULT_SOCKET, connect, parsed, remote

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
    from txpool.client.lifecycle import describe_explanation, parse_hash

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
@click.option("--sender", "senders", multiple=True, help="Only this address; may be repeated.")
@click.option("--hash", "hashes", multiple=True, help="Only this transaction, or what it replaced or evicted.")
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
    given = {"sender": senders, "hash": hashes, "kinds": kinds, "reasons": reasons}
    return {name: list(values) for name, values in given.items() if values}


@click.command()
@click.argument("named", metavar="HASH|ADDRESS")
@remote
def remove(*, named: str, as_json: bool, rpc: str, timeout: float) -> None:
    """Have the pool let go of a transaction, or of all of a sender.

    The pool takes that over its Unix socket alone: --rpc PATH; the daemon's ready line names it.
    """
    from txpool.client.lifecycle import remove as let_go

    source = click.get_current_context().get_parameter_source("rpc")
    client = connect(DEFAULT_SOCKET if source is click.core.ParameterSource.DEFAULT else rpc, timeout)
    if not client.is_private:
        raise click.UsageError(f"remove needs the Unix socket of the daemon, not {rpc}: --rpc {DEFAULT_SOCKET}, say")
    removed = let_go(client, named)
    if as_json:
        print_json({"removed": removed})
        return
    for tx_hash in removed:
        say(tx_hash)
    tell(f"{len(removed)} removed; `txpool explain HASH` tells of each, and of what waits behind it now.")
