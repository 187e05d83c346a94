"""Every metric stands in docs/metrics.md, as the daemon shows it."""

import re

from tests.daemon.metrics_table import PAGE, written
from tests.outside import ROOT


def test_the_page_of_metrics_is_what_the_daemon_shows() -> None:
    page = PAGE.read_text()

    assert written(page) == page, "python -m tests.daemon.metrics_table writes it anew"


def test_what_operators_are_told_to_watch_is_there_to_be_seen() -> None:
    _, _, section = (ROOT / "docs" / "operations.md").read_text().partition("## What to watch\n")
    section, _, _ = section.partition("\n## ")

    named = re.findall(r"\b((?:txpool|process)_\w+?)(?:_bucket)?\b", section)
    known = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)

    assert named
    assert set(named) <= set(known)
