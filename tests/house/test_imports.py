"""The walls between the rooms."""

import re
import subprocess
import sys
import tomllib
from typing import Final

import cli
from tests.house.source import SHIPPED, files, imports, module
from tests.outside import ROOT

# What a core must not touch, though the standard library has it: waiting, chance, clocks, files, output.
# fmt: off
IMPURE: Final = frozenset({
    "asyncio", "concurrent", "http", "io", "logging", "mmap", "multiprocessing", "os", "pathlib", "random",
    "secrets", "select", "selectors", "shutil", "signal", "socket", "socketserver", "sqlite3", "ssl",
    "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
})
# fmt: on
CRYPTO: Final = frozenset({"coincurve", "sha3", "txpool_kernel"})
ARCHITECTURE: Final = (ROOT / "docs/architecture.md").read_text()


def test_the_import_contracts_are_kept() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert linted.returncode == 0, linted.stdout


def test_the_picture_of_the_rooms_is_that_of_the_contracts() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each["id"] == "rooms")
    picture = re.search(r"^A room may import those below.*?^```\n(.*?)^```", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    assert picture is not None
    here = {path.stem for path in (ROOT / "txpool").iterdir()}

    assert [rooms(line) for line in picture[1].splitlines()] == [rooms(layer) & here for layer in layers]


def rooms(line: str) -> set[str]:
    """Those of a layer; what stands beside it in the picture is none of it."""
    return set(re.findall(r"[a-z]+", line.split("beside:", maxsplit=1)[0]))


def test_every_room_has_a_row_in_the_table() -> None:
    folders = {f"txpool/{path.parent.name}" for path in files("txpool/*/__init__.py")}

    assert sorted(folders - set(re.findall(r"`(txpool/[a-z]+)`", ARCHITECTURE))) == []


def test_the_core_imports_only_pure_parts_of_the_standard_library_msgspec_and_crypto() -> None:
    pure = sys.stdlib_module_names - IMPURE
    outside = {
        f"{module(path)} imports {name}"
        for path in files("txpool/core/**/*.py")
        for name in imports(path)
        if "." not in name and name not in pure | CRYPTO | {"msgspec", "txpool"}
    }

    assert outside == set()


def test_the_slab_pool_knows_nothing_of_ethereum() -> None:
    outside = {
        f"{module(path)} imports {name}"
        for path in files("mmap_pool/**/*.py")
        for name in imports(path)
        if "." not in name and name not in sys.stdlib_module_names | {"mmap_pool"}
    }

    assert outside == set()


def test_every_shipped_module_is_reached_from_the_command_line() -> None:
    by_name = {module(path): path for path in files(*SHIPPED)}
    reached: set[str] = set()
    waiting = {"cli", *cli.COMMANDS.values()}
    while waiting:
        reached |= waiting
        waiting = {name for found in waiting for name in imports(by_name[found]) if name in by_name} - reached

    assert sorted(by_name.keys() - reached) == []


def test_every_file_of_the_tests_is_a_test_or_imported_by_one() -> None:
    helpers = [path for path in files("tests/**/*.py") if not path.name.startswith(("test_", "conftest"))]
    imported = {name for path in files("tests/**/*.py", "bench/**/*.py") for name in imports(path)}

    assert [str(path) for path in helpers if module(path) not in imported] == []
