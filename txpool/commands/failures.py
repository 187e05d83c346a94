"""How a command may end, and what it says then."""

from typing import IO, Any, Final

import click

from txpool.commands.output import tell

OK: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
CANNOT_CONNECT: Final = 3
TIMED_OUT: Final = 4
PARTLY_REFUSED: Final = 5


class Failure(click.ClickException):
    """Ends a command with a message on standard error; how it failed is the exit code."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print what went wrong."""
        tell(click.style("txpool: ", fg="red") + self.message)


class Refused(Failure):
    """The server said no."""

    exit_code = REFUSED


class Misconfigured(Failure):
    """The settings make no sense."""

    exit_code = USAGE


class CannotConnect(Failure):
    """There is no server."""

    exit_code = CANNOT_CONNECT


class TimedOut(Failure):
    """Patience ended first."""

    exit_code = TIMED_OUT


def refusal(message: str) -> Refused:
    """A refusal in the server's words, and what to do about it."""
    from txpool.client.advice import advice

    return Refused("\n".join(filter(None, (f"refused: {message}", advice(message)))))
