"""docs/memory.md filled in from results: its text is written by hand, tables and plots are made here.

    txpool experiment document RESULTS

What stands between `<!-- made: KIND NAME -->` and `<!-- made end -->` is made anew. Plots are written beside the page,
and so are the figures that it was made from.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from loadtest.experiments.definition import ROOT
from loadtest.experiments.plots import charts, drawn_run
from loadtest.experiments.results import RESULTS, Results, Told
from loadtest.experiments.tables import (
    CLAIM_HEAD,
    REMARK_P99,
    Row,
    claim_rows,
    figure_rows,
    in_short,
    reading_rows,
    remarks,
)

PAGE: Final = ROOT / "docs/memory.md"
FOLDER: Final = "memory"  # beside the page: plots and figures
ABSENT: Final = "Not measured in this run."
_BLOCK: Final = re.compile(r"(<!-- made: (\w+) ?([\w-]*) -->\n).*?(<!-- made end -->)", re.DOTALL)


class DocumentError(Exception):
    """The page asks for a block that nobody makes."""


def write_document(results: Results, page: Path = PAGE) -> Path:
    """Fill the page in, and write what stands beside it.

    Raises:
        DocumentError: the page asks for what is not known.
    """
    folder = page.parent / FOLDER
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for told in results.experiments:
        for name, chart in charts(results, told):
            (folder / f"{name}.svg").write_text(chart.file(), encoding="utf-8")
    (folder / RESULTS).write_bytes(msgspec.json.encode(for_readers(results)) + b"\n")
    page.write_text(filled(page.read_text(encoding="utf-8"), results), encoding="utf-8")
    return page


def for_readers(results: Results) -> Results:
    """Leave out what is not drawn, and what only says where on a disk it ran."""
    kept = {name: value for name, value in results.environment.items() if name != "argv"}
    shown = [drawn_run(results.runs, told.name, arm) for told in results.experiments for arm in told.arms]
    runs = [run if run in shown else msgspec.structs.replace(run, curves={}) for run in results.runs]
    return msgspec.structs.replace(results, environment=kept, runs=runs)


def filled(text: str, results: Results) -> str:
    """The page with its blocks as they are now."""

    def block(found: "re.Match[str]") -> str:
        make = BLOCKS.get(found[2])
        if make is None:
            raise DocumentError(f"nothing makes {found[2]!r}; there are {', '.join(BLOCKS)}")
        return f"{found[1]}{make(results, found[3])}\n{found[4]}"

    return _BLOCK.sub(block, text)


def markdown(rows: Sequence[Row]) -> str:
    """Rows as a table, the first its head."""
    head, *rest = [[cell.replace("|", "/") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *rest]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _environment(results: Results, _name: str) -> str:
    return in_short(results)


def _claims(results: Results, _name: str) -> str:
    return markdown([CLAIM_HEAD, *claim_rows(results)]) + f"\n\n{REMARK_P99}"


def _readings(results: Results, _name: str) -> str:
    head = ("reading", "claimed", "measured", "95 % interval", "verdict")
    return markdown([head, *(row for judgement in results.judgements for row in reading_rows(judgement))])


def _figures(results: Results, name: str) -> str:
    told = _told(results, name)
    return "\n\n".join(_parts(results, told)) if told else ABSENT


def _parts(results: Results, told: Told) -> Iterator[str]:
    rows, long = list(figure_rows(results, told)), list(figure_rows(results, told, long=True))
    yield markdown(rows) if rows else ABSENT
    if long:
        yield "One long run of each:"
        yield markdown(long)
    doubts = list(remarks(results, told.name))
    if doubts:
        yield "\n".join(f"* {text}" for text in doubts)


def _plots(results: Results, name: str) -> str:
    told = _told(results, name)
    drawn = list(charts(results, told)) if told else []
    return "\n\n".join(f"![{chart.title}]({FOLDER}/{slug}.svg)" for slug, chart in drawn) or ABSENT


def _told(results: Results, name: str) -> Told | None:
    return next((one for one in results.experiments if one.name == name), None)


BLOCKS: Final[Mapping[str, Callable[[Results, str], str]]] = {
    "environment": _environment,
    "claims": _claims,
    "readings": _readings,
    "figures": _figures,
    "plots": _plots,
}
