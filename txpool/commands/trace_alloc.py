"""What allocates much in the running daemon."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from txpool.commands.output import print_json, say, tell
from txpool.commands.remote import connect_privately, private

if TYPE_CHECKING:
    from txpool.client.jsonrpc import RpcClient
    from txpool.client.trace import Traced

TICK_SECONDS = 0.1


@click.command()
@click.option("--seconds", type=click.FloatRange(0, 60, min_open=True), default=10, show_default=True, help="How long.")
@click.option(
    "--min-bytes", type=click.IntRange(1024), default=32_768, show_default=True, help="Show what is as large or larger."
)
@click.option("--html", type=click.Path(dir_okay=False, writable=True), help="Write a flame graph there.")
@private
def trace_alloc(*, seconds: float, min_bytes: int, html: str | None, as_json: bool, rpc: str, timeout: float) -> None:
    """Show what allocates much memory in the daemon, and for whom.

    While it records, a transaction costs the daemon more CPU. It takes the order over its Unix socket alone.
    """
    from txpool.client.flame_graph import flame_graph
    from txpool.client.trace import describe_trace

    if html is not None and not Path(html).parent.is_dir():
        raise click.BadParameter(f"there is no folder {Path(html).parent}", param_hint="--html")
    traced = _watched(connect_privately(rpc, seconds + timeout), seconds, min_bytes)
    if html is not None:
        Path(html).write_text(flame_graph(traced), encoding="utf-8")
    if as_json:
        print_json(traced)
    else:
        say(describe_trace(traced))
    if html is not None:
        tell(f"flame graph: {html}")


def _watched(client: "RpcClient", seconds: float, min_bytes: int) -> "Traced":
    """Wait for the answer, and show how much of the time is over."""
    from concurrent.futures import Future, wait
    from threading import Thread
    from time import monotonic

    from txpool.client.trace import trace

    answer: Future[Traced] = Future()

    def ask() -> None:
        try:
            answer.set_result(trace(client, seconds, min_bytes))
        except Exception as error:  # noqa: BLE001 - raised again where the answer is read
            answer.set_exception(error)

    begun, ticks = monotonic(), round(seconds / TICK_SECONDS)
    Thread(target=ask, daemon=True).start()  # nobody waits for it when the command is interrupted
    with click.progressbar(length=ticks, label="recording", file=sys.stderr) as bar:
        while wait([answer], TICK_SECONDS).not_done:
            bar.update(min(round((monotonic() - begun) / TICK_SECONDS), ticks) - bar.pos)
    return answer.result()
