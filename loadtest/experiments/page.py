"""The results as one page: claims and verdicts, then every experiment. Nothing in it is loaded from elsewhere."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from loadtest.experiments.plots import charts
from loadtest.experiments.results import Results, Told
from loadtest.experiments.tables import (
    CLAIM_HEAD,
    REMARK_P99,
    Row,
    claim_rows,
    environment_rows,
    figure_rows,
    in_short,
    reading_rows,
    remarks,
)
from loadtest.report import STYLE

PAGE: Final = "index.html"
TITLE: Final = "What a collector costs, measured on a living pool"
MORE_STYLE: Final = """
body { max-width: 76rem } td, th { vertical-align: top } thead th { border-bottom: 1px solid #d1d5db }
.confirmed { color: #059669 } .refuted { color: #dc2626 } .inconclusive, .not { color: #b45309 }
details { margin: .3rem 0 .8rem } summary { cursor: pointer; color: #4b5563 }
"""


def write_page(results: Results, path: Path) -> None:
    """Write it."""
    path.write_text(render_page(results), encoding="utf-8")


def render_page(results: Results) -> str:
    """The page as text."""
    body = "\n".join(_body(results))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{TITLE}</title>'
        f"<style>{STYLE}{MORE_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _body(results: Results) -> Iterator[str]:
    yield f"<h1>{TITLE}</h1><p>{escape(in_short(results))}</p>"
    if results.judgements:
        yield "<h2>Claims</h2>"
        yield f"<p>{escape(REMARK_P99)}</p>"
        yield table([CLAIM_HEAD, *claim_rows(results)], verdict_column=4)
        yield from _readings(results)
    for told in results.experiments:
        yield from _experiment(results, told)
    yield "<h2>On what</h2>"
    yield table([("", ""), *environment_rows(results.environment, results.settings)])


def _readings(results: Results) -> Iterator[str]:
    head = ("reading", "claimed", "measured", "95 % interval", "verdict")
    for judgement in results.judgements:
        if len(judgement.findings) > 1:
            rows = table([head, *reading_rows(judgement)], verdict_column=4)
            yield f"<details><summary>{escape(judgement.sentence)} All readings.</summary>{rows}</details>"


def _experiment(results: Results, told: Told) -> Iterator[str]:
    yield f'<h2 id="{escape(told.name)}">{escape(told.name)}</h2><p>{escape(told.about)} {escape(_effort(told))}</p>'
    for remark in remarks(results, told.name):
        yield f'<p class="no">{escape(remark)}</p>'
    if rows := list(figure_rows(results, told)):
        yield table(rows)
    if rows := list(figure_rows(results, told, long=True)):
        yield f"<h3>One long run of each</h3>{table(rows)}"
    yield from (chart.figure() for _, chart in charts(results, told))


def _effort(told: Told) -> str:
    rate = f", at most {told.rate:,.0f} transactions a second" if told.rate else ""
    each = f"of {told.seconds:g} s" if told.rate else "of a benchmark"
    return f"{told.repeats} run(s) {each} for each{rate}; medians, and between what they lie (95 %)."


def table(rows: Sequence[Row], verdict_column: int | None = None) -> str:
    """Rows as a table, the first its head; a verdict takes its colour."""
    head, *rest = rows
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "\n".join(
        "<tr>" + "".join(_cell(cell, number, verdict_column) for number, cell in enumerate(row)) + "</tr>"
        for row in rest
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _cell(text: str, number: int, verdict_column: int | None) -> str:
    if number == verdict_column:
        return f'<td class="{escape(text.split(maxsplit=1)[0])}"><b>{escape(text)}</b></td>'
    return f"<th>{escape(text)}</th>" if number == 0 else f"<td>{escape(text)}</td>"
