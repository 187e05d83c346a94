"""Sign a transfer and hand it in."""

import sys
from typing import TYPE_CHECKING, Any

import click

from txpool.commands.failures import REFUSED
from txpool.commands.outcomes import await_blocks, report
from txpool.commands.output import tell
from txpool.commands.remote import STARTING_S, connect, parsed, remote

if TYPE_CHECKING:
    from txpool.client.transfer import Order


@click.command()
@click.option("--key-file", type=click.Path(dir_okay=False), help="File with the sender's private key in hexadecimal.")
@click.option(
    "--dev-account", metavar="0-9", type=click.IntRange(0, 9), help="Send from a funded account of the dev chain."
)
@click.option("--to", metavar="ADDRESS", required=True, help="Address of the recipient.")
@click.option("--value", metavar="AMOUNT", default="0", show_default=True, help="Amount, as 1ether, 2.5gwei or 100wei.")
@click.option("--data", metavar="HEX", default="0x", help="Call data in hexadecimal.")
@click.option("--nonce", metavar="N", type=click.IntRange(0, 2**64 - 1), help="Instead of the sender's next.")
@click.option(
    "--gas", metavar="N", type=click.IntRange(0, 2**64 - 1), help="Gas limit, instead of the server's estimate."
)
@click.option("--fee-cap", metavar="AMOUNT", help="Most to pay for a unit of gas, as 30gwei.")
@click.option("--tip-cap", metavar="AMOUNT", help="Most of it for the block's builder, as 1gwei.")
@click.option("--wait", is_flag=True, help="Wait until a block holds it.")
@remote
def send(
    *,
    key_file: str | None,
    dev_account: int | None,
    wait: bool,
    as_json: bool,
    rpc: str,
    timeout: float,
    **fields: Any,  # noqa: ANN401 - what `_order` reads, each of its own type
) -> None:
    """Sign a transfer and hand it in.

    A server that has just been started is given three seconds to listen.
    """
    from txpool.client.submission import submit as hand_in
    from txpool.client.transfer import signed

    order = _order(**fields)
    key = _key(key_file, dev_account)
    client = connect(rpc, timeout)
    client.await_server(min(timeout, STARTING_S))
    raw = signed(client, key, order)
    accepted, refused = report(hand_in(client, [[(1, "0x" + raw.hex())]], timeout), as_json=as_json, alone=True)
    if refused:
        sys.exit(REFUSED)
    if wait:
        await_blocks(client, accepted, timeout, as_json=as_json)


def _order(
    *,
    to: str,
    value: str,
    data: str,
    nonce: int | None,
    gas: int | None,
    fee_cap: str | None,
    tip_cap: str | None,
) -> "Order":
    from txpool.client.content import checksummed
    from txpool.client.transfer import Order
    from txpool.client.units import parse_amount, parse_data

    return Order(
        to=bytes.fromhex(parsed(checksummed, to, "--to")[2:]),
        value=parsed(parse_amount, value, "--value"),
        data=parsed(parse_data, data, "--data"),
        nonce=nonce,
        gas=gas,
        fee_cap=None if fee_cap is None else parsed(parse_amount, fee_cap, "--fee-cap"),
        tip_cap=None if tip_cap is None else parsed(parse_amount, tip_cap, "--tip-cap"),
    )


def _key(key_file: str | None, dev_account: int | None) -> bytes:
    from txpool.client.transfer import read_key, readable_by_others

    if (key_file is None) == (dev_account is None):
        raise click.UsageError("say who sends: --key-file FILE or --dev-account N")
    if dev_account is not None:
        from txpool.chain.dev_accounts import dev_accounts

        return dev_accounts(dev_account + 1)[dev_account].private_key
    assert key_file is not None
    key = parsed(read_key, key_file, "--key-file")
    if readable_by_others(key_file):
        tell(f"Others may read {key_file}: chmod 600 keeps the key yours.")
    return key
