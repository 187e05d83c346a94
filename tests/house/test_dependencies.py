"""What is asked for, locked and explained is one and the same."""

import json
import re
import tomllib
from typing import Final

from tests.outside import ROOT

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
CLIENTS: Final = json.loads((ROOT / "tests/clients/package.json").read_text())


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=~!;\[ ]", requirement, maxsplit=1)[0] for requirement in requirements}


RUNTIME: Final = names(PROJECT["project"]["dependencies"])
EXTRAS: Final = names([each for extra in PROJECT["project"]["optional-dependencies"].values() for each in extra])
DEV: Final = names(PROJECT["dependency-groups"]["dev"])
TEST_CLIENTS: Final = names(PROJECT["dependency-groups"]["clients"])
NODE: Final = {*CLIENTS["dependencies"], *CLIENTS["optionalDependencies"]}


def locked(name: str) -> dict[str, str]:
    """Package to locked version."""
    text = (ROOT / f"requirements/{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def test_every_dependency_has_its_line_and_every_line_its_dependency() -> None:
    page = (ROOT / "docs/dependencies.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)

    assert sorted(rows) == sorted(RUNTIME | EXTRAS | DEV | TEST_CLIENTS | NODE)


def test_every_dependency_is_locked() -> None:
    assert set(locked("runtime")) >= RUNTIME
    assert set(locked("trace")) >= RUNTIME | EXTRAS
    assert set(locked("dev")) >= RUNTIME | EXTRAS | DEV
    assert set(locked("clients")) >= RUNTIME | EXTRAS | DEV | TEST_CLIENTS


def test_the_locks_agree_on_every_version() -> None:
    everything = locked("clients")

    for name in ("runtime", "trace", "dev"):
        assert locked(name).items() <= everything.items()


def test_everything_locked_has_a_hash() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        entries = re.split(r"\n(?=[a-z0-9])", path.read_text())[1:]
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []

    packages = json.loads((ROOT / "tests/clients/package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_node_packages_are_asked_for_by_exact_version() -> None:
    versions = [*CLIENTS["dependencies"].values(), *CLIENTS["optionalDependencies"].values()]

    assert [version for version in versions if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def test_the_locks_name_no_place_to_download_from() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in path.read_text(), path
    assert '"resolved"' not in (ROOT / "tests/clients/package-lock.json").read_text()
