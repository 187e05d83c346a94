"""`--json [FILE]`: the figures of a benchmark for a program, instead of or beside those for people."""

import argparse
from pathlib import Path
from typing import Final

import msgspec

STANDARD_OUTPUT: Final = "-"


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        "--json",
        nargs="?",
        const=STANDARD_OUTPUT,
        metavar="FILE",
        help="write the figures as JSON: into a file, without one to standard output in place of the text",
    )


def tell_json(place: str | None, figures: object) -> bool:
    """Write the figures where the option says, if anywhere. Returns whether standard output has had its own."""
    if place is None:
        return False
    text = msgspec.json.encode(figures).decode()
    if place == STANDARD_OUTPUT:
        print(text)
        return True
    Path(place).write_text(text + "\n")
    return False
