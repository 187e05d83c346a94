"""Data goes to standard output; diagnostics and progress to standard error."""

import json
import os

import click


def say(text: str) -> None:
    """Print to standard output."""
    click.echo(text, color=_colour())


def tell(text: str, *, end: str = "\n") -> None:
    """Print to standard error."""
    click.echo(text + end, err=True, nl=False, color=_colour())


def _colour() -> bool | None:
    """No colour where nobody wants it; else click looks whether it writes to a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def print_json(value: object) -> None:
    """Print a document in one line."""
    say(json.dumps(value))
