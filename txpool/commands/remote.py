"""What all commands have in common that ask a server."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from txpool.client.jsonrpc import RpcClient

DEFAULT_RPC: Final = "http://127.0.0.1:8545"
DEFAULT_SOCKET: Final = "~/.txpool/txpool.ipc"

Command = TypeVar("Command", bound=Callable[..., Any])
Parsed = TypeVar("Parsed")


def remote(command: Command) -> Command:
    """Options of every command that asks a server."""
    options = (
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text."),
        click.option(
            "--rpc",
            metavar="URL|PATH",
            default=DEFAULT_RPC,
            envvar="TXPOOL_RPC",
            show_envvar=True,
            show_default=True,
            help="The server's URL, or the path of its Unix socket.",
        ),
        click.option(
            "--timeout",
            metavar="SECONDS",
            type=click.FloatRange(min=0, min_open=True),
            default=60,
            show_default=True,
            help="How long to wait.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def connect(rpc: str, timeout: float) -> "RpcClient":
    """Get ready to ask a server, until the command ends."""
    from txpool.client.jsonrpc import RpcClient

    try:
        client = RpcClient(rpc, timeout)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--rpc") from None
    click.get_current_context().call_on_close(client.close)
    return client


def connect_privately(rpc: str, timeout: float) -> "RpcClient":
    """As `connect`, to what the daemon serves over its Unix socket alone: the usual one, if none is named."""
    context = click.get_current_context()
    by_default = context.get_parameter_source("rpc") is click.core.ParameterSource.DEFAULT
    client = connect(DEFAULT_SOCKET if by_default else rpc, timeout)
    if not client.is_private:
        wanted = f"{context.info_name} needs the Unix socket of the daemon"
        raise click.UsageError(f"{wanted}, not {rpc}: --rpc {DEFAULT_SOCKET}, say")
    return client


def parsed(parse: Callable[[str], Parsed], text: str, option: str) -> Parsed:
    """Read what an option says; what cannot be read is a mistake in its use."""
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
