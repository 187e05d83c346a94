"""Allocations as a flame graph: one HTML page that loads nothing from anywhere.

From above: everything, the entry points, then frames from the outermost to the innermost. Widths are bytes.
"""

from collections.abc import Iterator
from html import escape
from typing import Final

from txpool.client.trace import Group, Stack, Traced, frame_name

SHARE_MIN: Final = 0.0005  # of all bytes; what is narrower could not be seen
HUES: Final = {"eviction": 0, "content query": 200, "snapshot": 265, "head update": 120, "pool add": 30}
HUE_OTHER: Final = 50

STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem; color: #1f2937 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem } td, th { padding: .15rem .9rem .15rem 0; text-align: left }
td.n { text-align: right; font-variant-numeric: tabular-nums }
.row { display: flex } .box { flex: 0 1 0; min-width: 0; overflow: hidden } .box.off { display: none }
.box > b { display: block; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; cursor: pointer;
  font: 12px/18px ui-monospace, monospace; padding: 0 3px; border: solid #fff; border-width: 0 1px 1px 0 }
.box > b:hover, .box > b:focus-visible { filter: brightness(.85) }
"""
# A click gives a box the whole width: on the way up, what stands beside it is hidden.
SCRIPT: Final = """
const widen = (name) => {
  document.querySelectorAll(".off").forEach((box) => box.classList.remove("off"));
  for (let box = name.parentElement; box.matches(".box"); box = box.parentElement.parentElement)
    for (const other of box.parentElement.children) if (other !== box) other.classList.add("off");
};
const graph = document.getElementById("graph");
graph.addEventListener("click", (event) => event.target.matches("b") && widen(event.target));
graph.addEventListener("keydown", (event) => event.key === "Enter" && event.target.matches("b") && widen(event.target));
"""


class Box:
    """A frame, and what it called."""

    def __init__(self) -> None:
        self.count = 0
        self.bytes = 0
        self.inner: dict[str, Box] = {}

    def add(self, stack: Stack, names: Iterator[str]) -> None:
        """Count a stack here, and in the boxes on its way."""
        self.count += stack["count"]
        self.bytes += stack["bytes"]
        if name := next(names, None):
            self.inner.setdefault(name, Box()).add(stack, names)


def flame_graph(traced: Traced) -> str:
    """Draw it; the page as text."""
    groups = traced["found"]["groups"]
    everything = Box()
    for group in groups:
        for stack in group["stacks"]:
            everything.add(stack, _names(group, stack))
    title = f"allocations of {traced['minBytes']} bytes and more in {traced['seconds']:.1f} s"
    drawn = "".join(_drawn("all", everything, max(everything.bytes, 1), None))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n{_table(traced)}\n"
        "<p>A width is bytes; a click widens a box, one on <em>all</em> shows everything again.</p>\n"
        f'<div id="graph" class="row">{drawn}</div>\n<script>{SCRIPT}</script></body></html>\n'
    )


def _names(group: Group, stack: Stack) -> Iterator[str]:
    yield group["entry"]
    yield from map(frame_name, stack["frames"])
    yield stack["how"]


def _drawn(name: str, box: Box, total: int, hue: int | None) -> Iterator[str]:
    """A box with those in it. Colours say the entry point."""
    share = box.bytes / total
    colour = "#d1d5db" if hue is None else f"hsl({hue} 75% {72 + len(name) % 9}%)"
    told = escape(f"{name}: {box.bytes:,} bytes in {box.count:,} allocations, {share:.1%}", quote=True)
    yield f'<div class="box" style="flex-grow:{box.bytes}">'
    yield f'<b tabindex="0" style="background:{colour}" title="{told}">{escape(name)}</b><div class="row">'
    drawn = {inner: found for inner, found in box.inner.items() if found.bytes >= SHARE_MIN * total}
    for inner, found in sorted(drawn.items(), key=lambda item: -item[1].bytes):
        yield from _drawn(inner, found, total, HUES.get(inner, HUE_OTHER) if hue is None else hue)
    if gap := box.bytes - sum(found.bytes for found in drawn.values()):
        yield f'<div class="box" style="flex-grow:{gap}"></div>'  # so that all else keeps its share
    yield "</div></div>"


def _table(traced: Traced) -> str:
    rows = "".join(
        f'<tr><td>{escape(group["entry"])}</td><td class="n">{group["count"]:,}</td>'
        f'<td class="n">{group["bytes"]:,}</td></tr>'
        for group in traced["found"]["groups"]
    )
    return f"<table><tr><th>entry point</th><th>allocations</th><th>bytes</th></tr>{rows}</table>"
