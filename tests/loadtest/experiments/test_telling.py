"""Results as a page, and as the document for readers."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from loadtest.experiments.document import PAGE, DocumentError, filled, write_document
from loadtest.experiments.lab import together
from loadtest.experiments.page import render_page
from loadtest.experiments.results import read_results, write_results
from loadtest.experiments.tables import in_short
from tests.loadtest.experiments.sample import made_up

TEXT = """# Title
<!-- made: environment -->
old
<!-- made end -->
by hand
<!-- made: figures headline -->
<!-- made end -->
<!-- made: plots headline -->
<!-- made end -->
<!-- made: figures regimes -->
<!-- made end -->
<!-- made: claims -->
<!-- made end -->
"""


def test_the_page_has_claims_verdicts_figures_and_plots_and_loads_nothing() -> None:
    page = render_page(made_up())

    assert page.count("<svg") == 3
    assert not re.search(r"(?:src|href)=|https?://|<script|@import|url\(", page)
    assert '<td class="not"><b>not measured</b></td>' in page
    assert "4.200 ms -&gt; 0.125 ms (ratio 0.0298)" in page
    assert "falls among the young ones" in page
    assert "the run was doubtful (in 3 runs)" in page


def test_results_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_results(made_up(), tmp_path / "results.json")

    assert msgspec.json.encode(read_results(tmp_path)) == msgspec.json.encode(made_up())


def test_the_document_is_filled_in_where_it_asks_for_it_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "memory.md"
    page.write_text(TEXT)
    write_document(made_up(), page)
    text = page.read_text()

    assert "old" not in text
    assert "# Title\n" in text
    assert "\nby hand\n" in text
    assert "| pause, longest | 42.000 ms (40.000 ms to 44.000 ms) | 1.250 ms (1.200 ms to 1.300 ms) |" in text
    assert "| heap (private memory), highest | 1,000 MB | not reported |" in text
    assert "Not measured in this run." in text
    assert filled(text, made_up()) == text
    for link in re.findall(r"\]\(([^)]+)\)", text):
        ET.parse(page.parent / link)
    assert b"somewhere" not in (tmp_path / "memory/results.json").read_bytes()


def test_a_block_that_nobody_makes_is_a_mistake() -> None:
    with pytest.raises(DocumentError, match="'figrues'"):
        filled("<!-- made: figrues headline -->\n<!-- made end -->", made_up())


def test_of_several_results_the_later_counts_and_claims_are_judged_anew() -> None:
    first, second = made_up(), made_up()
    second = msgspec.structs.replace(second, runs=second.runs[:1])
    both = together([first, second])

    assert [one.name for one in both.experiments] == ["headline"]
    assert both.runs == second.runs
    assert both.judgements[0].verdict == "not measured"


def test_the_document_says_at_which_commit_each_experiment_ran_and_how_often() -> None:
    one = made_up()
    (told,) = one.experiments
    other = msgspec.structs.replace(told, name="million", commit="def", load=1.5, repeats=2, seconds=120.0)
    both = together([one, msgspec.structs.replace(one, experiments=[other], runs=[])])

    assert "At commit abc." in in_short(one)
    assert "At commits abc: headline; def: million." in in_short(both)
    assert "load average before the first run at most 1.5" in in_short(both)
    assert "headline 3 x 60 s, million 2 x 2 min." in in_short(both)


def test_the_document_of_the_tree_is_that_of_the_figures_beside_it() -> None:
    text = PAGE.read_text()

    assert filled(text, read_results(PAGE.parent / "memory")) == text, "txpool experiment document docs/memory"
