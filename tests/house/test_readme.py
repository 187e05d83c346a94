"""The README promises what there is."""

import re
from typing import Final

import cli
from tests.house.source import files
from tests.outside import ROOT

README: Final = (ROOT / "README.md").read_text()
TARGETS: Final = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_make_target_is_in_the_table_and_every_row_is_a_target() -> None:
    rows = re.findall(r"^\| `make ([a-z-]+)` \|", README, re.MULTILINE)

    assert sorted(rows) == sorted(TARGETS)


def test_every_command_is_in_the_table_and_every_row_is_a_command() -> None:
    rows = re.findall(r"^\| `txpool ([a-z-]+)` \|", README, re.MULTILINE)

    assert sorted(rows) == sorted(cli.commands.commands)


def test_every_link_in_the_docs_leads_somewhere() -> None:
    dangling = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in [*files("*.md"), *files("docs/**/*.md")]
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / link).exists()
    ]

    assert dangling == []
