"""What is in the pool."""

import click

from txpool.commands.output import print_json, say, tell
from txpool.commands.remote import connect, parsed, remote


@click.command()
@remote
def status(*, as_json: bool, rpc: str, timeout: float) -> None:
    """Show the pool's sizes and the chain's head."""
    from txpool.client.status import describe_status, fetch_status, next_step

    found = fetch_status(connect(rpc, timeout))
    if as_json:
        print_json(found)
        return
    say(describe_status(found, rpc))
    if hint := next_step(found):
        tell(hint)


@click.command()
@click.option("--sender", metavar="ADDRESS", help="Only what this address has sent.")
@remote
def content(*, sender: str | None, as_json: bool, rpc: str, timeout: float) -> None:
    """List the transactions in the pool."""
    from txpool.client.content import checksummed, describe_content, fetch_content

    sender = sender and parsed(checksummed, sender, "--sender")
    found = fetch_content(connect(rpc, timeout), sender)
    if as_json:
        print_json(found)
    else:
        say(describe_content(found, sender))


@click.command()
@remote
def inspect(*, as_json: bool, rpc: str, timeout: float) -> None:
    """List the pool in short, and what queued ones wait for."""
    from txpool.client.content import describe_inspection, explain_queued

    client = connect(rpc, timeout)
    found = client.call("txpool_inspect")
    if as_json:
        print_json(found)
        return
    say(describe_inspection(found))
    for line in explain_queued(client, found):
        tell(line)
