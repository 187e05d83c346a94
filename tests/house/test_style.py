"""What a linter does not know of our style."""

import ast
import re
from itertools import pairwise
from typing import Final

from tests.house.source import EVERYTHING, SHIPPED, files, tree
from tests.outside import ROOT

FUNCTION_LINES_MAX: Final = 70
NO_NOUN: Final = re.compile(r"(utils?|common|helpers?|misc|.*_?manager|.*_?handler)\.py")
SUPPRESSION: Final = re.compile(r"#\s*(?:noqa|type: ignore)\b(?P<rest>.*)")
REASON: Final = re.compile(r"[a-z]+ [a-z]+")  # beside the rule's name, or as a comment on the line above


def test_no_function_is_longer_than_a_page() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines"
        for path in files(*EVERYTHING)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]

    assert long == []


def test_every_file_is_named_after_its_subject() -> None:
    assert [str(path) for path in files(*EVERYTHING) if NO_NOUN.fullmatch(path.name)] == []


def test_rooms_are_at_most_two_folders_deep() -> None:
    assert [str(path) for path in files(*SHIPPED) if len(path.relative_to(ROOT).parts) > 3] == []


def test_a_linter_is_silenced_by_rule_and_with_a_reason() -> None:
    bare = []
    for path in files(*SHIPPED):
        lines = path.read_text().splitlines()
        for number, (above, line) in enumerate(pairwise(["", *lines]), start=1):
            found = SUPPRESSION.search(line)
            if found and not REASON.search(found["rest"]) and not above.strip().startswith("#"):
                bare.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")

    assert bare == []
