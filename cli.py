"""The command `txpool`: the daemon, and one-shot commands that talk to it.

Data goes to standard output, diagnostics and progress to standard error. Exit codes: 0 ok, 1 refused by the pool,
2 usage, 3 cannot connect, 4 timed out, 5 some of a batch refused. What a command needs is imported when it runs, so
that every other one starts at once.
"""

from importlib import import_module
from typing import Final

import click

from txpool.client.errors import ConnectFailedError, RpcError, TimedOutError
from txpool.commands.failures import CannotConnect, TimedOut, refusal

# The module that each command is in, under its own name (`check-config`: `check_config`).
COMMANDS: Final = {
    "check": "txpool.commands.submit",
    "check-config": "txpool.commands.run",
    "completion": "txpool.commands.completion",
    "content": "txpool.commands.contents",
    "events": "txpool.commands.lifecycle",
    "experiment": "loadtest.experiments.commands",
    "explain": "txpool.commands.lifecycle",
    "inspect": "txpool.commands.contents",
    "load": "loadtest.commands",
    "remove": "txpool.commands.lifecycle",
    "replay": "txpool.commands.replay",
    "run": "txpool.commands.run",
    "send": "txpool.commands.send",
    "status": "txpool.commands.contents",
    "submit": "txpool.commands.submit",
    "trace-alloc": "txpool.commands.trace_alloc",
}


class Commands(click.Group):
    """Reads a command when it is asked for, and turns what it may meet into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command by its name."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(COMMANDS[cmd_name]), cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name, or say which one may be meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            if near := get_close_matches(args[0], COMMANDS, n=1):
                raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None
            raise

    def invoke(self, ctx: click.Context) -> object:
        """Run the command named on the command line."""
        try:
            return super().invoke(ctx)
        except RpcError as error:
            raise refusal(error.message) from error
        except ConnectFailedError as error:
            hint = "Is the daemon running there? `txpool run --dev` starts one; --rpc URL or TXPOOL_RPC name another."
            raise CannotConnect(f"{error}\n{hint}") from error
        except TimedOutError as error:
            raise TimedOut(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="txpool", message="%(prog)s %(version)s")
def commands() -> None:
    """A standalone Ethereum transaction pool."""


def main() -> None:
    """Run the command line."""
    commands(prog_name="txpool")


if __name__ == "__main__":
    main()
