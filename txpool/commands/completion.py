"""Completion in the user's shell."""

from typing import Final

import click

from txpool.commands.output import say

SHELLS: Final = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    `eval "$(txpool completion bash)"` switches it on.
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    say(script(click.get_current_context().find_root().command, {}, "txpool", "_TXPOOL_COMPLETE").source())
