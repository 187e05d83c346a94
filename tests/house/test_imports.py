"""The walls between the rooms."""

import subprocess
import sys
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
# Shipped, and not for the daemon: what compares the events of two runs.
FOR_OTHERS: Final = frozenset({"txpool.history.digest"})


def test_the_import_contracts_are_kept() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert linted.returncode == 0, linted.stdout


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
    waiting = {"cli", *cli.COMMANDS.values(), *FOR_OTHERS}
    while waiting:
        reached |= waiting
        waiting = {name for found in waiting for name in imports(by_name[found]) if name in by_name} - reached

    assert sorted(by_name.keys() - reached) == []


def test_every_file_of_the_tests_is_a_test_or_imported_by_one() -> None:
    helpers = [path for path in files("tests/**/*.py") if not path.name.startswith(("test_", "conftest"))]
    imported = {name for path in files("tests/**/*.py", "bench/**/*.py") for name in imports(path)}

    assert [str(path) for path in helpers if module(path) not in imported] == []
