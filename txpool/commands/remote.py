"""What all commands have in common that ask a server."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from txpool.client.jsonrpc import RpcClient

DEFAULT_RPC: Final = "http://127.0.0.1:8545"
DEFAULT_SOCKET: Final = "~/.txpool/txpool.ipc"
STARTING_S: Final = 3.0  # for a daemon that was started just before

Command = TypeVar("Command", bound=Callable[..., Any])
Parsed = TypeVar("Parsed")


def remote(command: Command) -> Command:
    """Options of every command that asks a server."""
    return _with_server(command, "URL|PATH", DEFAULT_RPC, "The server's URL, or the path of its Unix socket.")


def private(command: Command) -> Command:
    """Options of a command that asks for what is served over the Unix socket alone."""
    about = "The path of the daemon's Unix socket, which its ready line names. A URL in TXPOOL_RPC does not count."
    return _with_server(command, "PATH", DEFAULT_SOCKET, about)


def _with_server(command: Command, metavar: str, default: str, about: str) -> Command:
    options = (
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text."),
        click.option(
            "--rpc",
            metavar=metavar,
            default=default,
            envvar="TXPOOL_RPC",
            show_envvar=True,
            show_default=True,
            help=about,
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
    """As `connect`, to what the daemon serves over its Unix socket alone, whatever URL the environment names."""
    from txpool.client.unix_socket import is_socket_path

    context = click.get_current_context()
    if not is_socket_path(rpc) and context.get_parameter_source("rpc") is ParameterSource.ENVIRONMENT:
        rpc = DEFAULT_SOCKET
    client = connect(rpc, timeout)
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
