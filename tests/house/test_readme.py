"""The README promises what there is."""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import click
import pytest

import cli
from tests.house.source import files
from tests.outside import ROOT, node_package, python_package, tool
from tests.running import Daemon, running

README: Final = (ROOT / "README.md").read_text()
MAKEFILE: Final = (ROOT / "Makefile").read_text()
TARGETS: Final = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_every_make_target_has_a_line_of_help_and_every_one_in_the_readme_is_a_target() -> None:
    helped = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE)
    named = re.findall(r"(?:`|^    )make ([a-z-]+)", README, re.MULTILINE)

    assert sorted(helped) == sorted(TARGETS)
    assert set(named) <= TARGETS


def test_every_command_is_in_the_table_and_every_row_is_a_command() -> None:
    rows = re.findall(r"^\| `txpool ([a-z-]+)` \|", README, re.MULTILINE)

    assert sorted(rows) == sorted(cli.commands.list_commands(click.Context(cli.commands)))


def test_every_link_in_the_docs_leads_somewhere() -> None:
    dangling = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in [*files("*.md"), *files("docs/**/*.md")]
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / link).exists()
    ]

    assert dangling == []


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running("--dev") as daemon:
        yield daemon


def snippet(language: str, about: str, daemon: Daemon) -> str:
    """A piece of the README, with the address of a daemon that runs."""
    pieces = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (found,) = (piece for piece in pieces if about in piece)
    return str(found).replace("http://127.0.0.1:8545", daemon.url)


@pytest.mark.client
def test_the_lines_for_web3py_send_a_transfer(daemon: Daemon) -> None:
    python_package("web3")

    ran = subprocess.run(
        [sys.executable, "-c", snippet("python", "web3", daemon)], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr


@pytest.mark.client
@pytest.mark.parametrize(("package", "printed"), [("ethers", "1\n"), ("viem", "success\n")])
def test_the_lines_for_node_send_a_transfer(daemon: Daemon, package: str, printed: str) -> None:
    folder = node_package(package)
    node = [str(tool("node")), "--input-type=module", "--eval", snippet("js", f'from "{package}"', daemon)]

    ran = subprocess.run(node, cwd=folder, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout) == (0, printed), ran.stderr


@pytest.mark.client
def test_the_line_for_cast_sends_a_transfer(daemon: Daemon) -> None:
    (line,) = re.findall(r"cast (send .*?ff80)$", README, re.MULTILINE | re.DOTALL)
    words = line.replace("\\\n", " ").replace("http://127.0.0.1:8545", daemon.url).split()

    ran = subprocess.run([tool("cast"), *words], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^status +1", ran.stdout, re.MULTILINE)
