"""Stacks find their entry point, and the table names what is in the code."""

import ast
import re

import pytest

from tests.house.source import tree
from tests.outside import ROOT
from txpool.observe.entry_points import ENTRY_POINTS, NAMES, OTHER, Place, entry_of


def functions_of(path: str) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree(ROOT / path)) if isinstance(node, kinds)}


@pytest.mark.parametrize("place", [place for entry in ENTRY_POINTS for place in entry.places], ids=lambda it: it.path)
def test_what_the_table_names_is_there(place: Place) -> None:
    assert (ROOT / place.path).is_dir() if place.path.endswith("/") else (ROOT / place.path).is_file()
    if place.functions:
        assert place.functions <= functions_of(place.path)


def test_the_table_of_the_docs_is_that_of_the_code() -> None:
    page = (ROOT / "docs/tracing.md").read_text()
    rows = re.search(r"^\| entry point \| \|\n\|---\|---\|\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert rows is not None
    told = dict(re.findall(r"^\| (.+?) \| (.+) \|$", rows[1], re.MULTILINE))

    assert list(told) == list(NAMES)
    assert {entry.name: entry.meaning for entry in ENTRY_POINTS}.items() <= told.items()


def test_names_are_told_apart() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert NAMES[-1] == OTHER


@pytest.mark.parametrize(
    ("frames", "entry"),
    [
        ([("submit", "txpool/core/pool.py")], "pool add"),
        ([("decode", "txpool/core/tx.py"), ("_read_large", "txpool/ingest/ingest.py")], "pool add"),
        ([("discard", "txpool/core/eviction.py"), ("submit", "txpool/core/pool.py")], "eviction"),
        ([("mine", "txpool/chain/dev.py"), ("start", "txpool/rpc/service.py")], "head update"),
        ([("mine_in_steps", "txpool/chain/dev.py")], "head update"),
        ([("_settle", "txpool/daemon/node.py"), ("through", "txpool/observe/tags.py")], "head update"),
        (
            [("_drop_in_steps", "txpool/core/head_update.py"), ("apply_head_change", "txpool/core/head_update.py")],
            "head update",
        ),
        (
            [
                ("_drop_in_steps", "txpool/core/head_update.py"),
                ("drop_all", "txpool/core/head_update.py"),
                ("remove", "txpool/core/pool.py"),
                ("_remove", "txpool/rpc/pool.py"),
            ],
            "eviction",
        ),
        ([("_best", "txpool/rpc/pool.py"), ("start", "txpool/rpc/service.py")], "snapshot"),
        ([("of_everyone", "txpool/rpc/content.py"), ("_step", "txpool/rpc/streaming.py")], "content query"),
        ([("start", "txpool/rpc/service.py")], "rpc other"),
        ([("account", "txpool/chain/dev.py")], OTHER),
        ([("submit", "elsewhere/core/pool.py")], OTHER),
        ([], OTHER),
    ],
)
def test_the_first_row_with_a_frame_on_the_stack_names_it(frames: list[tuple[str, str]], entry: str) -> None:
    assert entry_of(frames) == entry
    assert entry_of(frames[::-1]) == entry
