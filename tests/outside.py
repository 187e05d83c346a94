"""What tests need from outside the repository: programs, packages, recorded data.

A missing tool skips the test on a developer's machine, with the reason, and fails it where `CI` is set: the gate never
passes by running less. Missing data skips in both places, since it cannot be installed; pytest's summary counts it.
"""

import importlib.util
import os
import shutil
from pathlib import Path
from typing import Final, NoReturn

import pytest

from txpool.core.kernel import NATIVE, Native

ROOT: Final = Path(__file__).parent.parent
SHARED: Final = Path(os.environ.get("TXPOOL_SHARED") or ROOT.parent / "shared")
IN_CI: Final = bool(os.environ.get("CI"))

_TOOLS: Final = ROOT / ".tools/bin"
_NODE_MODULES: Final = ROOT / "tests/clients/node_modules"


def tool(name: str) -> Path:
    """Find a program: `cast`, `anvil`, `promtool`, `systemd-analyze`, `node`."""
    if (installed := _TOOLS / name).exists():
        return installed
    return Path(shutil.which(name) or _missing(name))


def python_package(name: str) -> None:
    """Require a Python package that only tests use: `web3`."""
    if importlib.util.find_spec(name) is None:
        _missing(name)


def node_package(name: str) -> Path:
    """Require a node package, `ethers` or `viem`; return the folder whose scripts can import it."""
    if not (_NODE_MODULES / name).is_dir():
        _missing(name)
    return _NODE_MODULES.parent


def shared(path: str) -> Path:
    """Find recorded data: beside the repository in `../shared`, or where `TXPOOL_SHARED` says."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"data absent: shared/{path}", allow_module_level=True)
    return found


def native_kernel() -> Native:
    """Require the kernel in Rust, which is not there where nobody can build it."""
    if NATIVE is None:
        _absent("the native kernel is not built: make setup", needed=IN_CI and _cargo_is_here())
    return NATIVE


def _cargo_is_here() -> bool:
    return bool(shutil.which("cargo")) or (Path.home() / ".cargo/bin/cargo").exists()


def _missing(name: str) -> NoReturn:
    _absent(f"{name} is not installed: make test-deps", needed=IN_CI)


def _absent(reason: str, *, needed: bool) -> NoReturn:
    if needed:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)
