"""The Python files of the tree and what each imports, by reading them."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.outside import ROOT

SHIPPED: Final = ("cli.py", "txpool/**/*.py", "mmap_pool/**/*.py", "loadtest/**/*.py")
EVERYTHING: Final = (*SHIPPED, "bench/**/*.py", "tests/**/*.py")


def files(*patterns: str) -> list[Path]:
    """The files that match, without what node packages bring."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    return sorted(path for path in found if "node_modules" not in path.parts)


def module(path: Path) -> str:
    """`txpool/core/pool.py` is `txpool.core.pool`; a package's `__init__.py` is the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), path)


def imports(path: Path) -> set[str]:
    """Every module named in an import anywhere in the file, functions included.

    `from a import b` names both `a` and `a.b`, since `b` may be a module; the packages above are imported too.
    """
    return {part for name in _imported(path) for part in _with_parents(name)}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            assert node.module, path
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[: length + 1]) for length in range(len(parts)))
