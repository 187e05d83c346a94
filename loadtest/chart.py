"""Charts as SVG text: lines over time, percentiles over nines, bars. No script, nothing from outside the page."""

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Final

import msgspec

WIDTH: Final = 860
HEIGHT: Final = 260
LEFT: Final = 64
RIGHT: Final = 16
TOP: Final = 14
BOTTOM: Final = 30
COLOURS: Final = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2")
BAR_HEIGHT: Final = 22
BARS_LEFT: Final = 420
TICKS: Final = 5

Point = tuple[float, float]


class Line(msgspec.Struct, frozen=True):
    """A named line; `dots` are drawn as dots."""

    name: str
    points: Sequence[Point]
    dots: bool = False


class Axis(msgspec.Struct, frozen=True):
    """From a value to a place between 0 and 1, and which values are written along it."""

    place: Callable[[float], float]
    marks: Sequence[tuple[float, str]]


def linear(low: float, high: float, unit: str = "") -> Axis:
    """Even steps, at round numbers."""
    span = (high - low) or 1.0
    step = _round_step(span / TICKS)
    first = math.ceil(low / step)
    marks = [(mark * step, f"{short(mark * step)}{unit}") for mark in range(first, math.floor(high / step) + 1)]
    return Axis(lambda value: (value - low) / span, marks)


def logarithmic(low: float, high: float, unit: str = "") -> Axis:
    """Even factors, a mark at each power of ten."""
    bottom, top = math.floor(math.log10(low)), math.ceil(math.log10(high))
    top = max(top, bottom + 1)
    marks = [(10.0**power, f"{short(10.0**power)}{unit}") for power in range(bottom, top + 1)]
    return Axis(lambda value: (math.log10(max(value, 10.0**bottom)) - bottom) / (top - bottom), marks)


def nines(samples: int) -> Axis:
    """Each further nine takes as much room as the one before, as far as so many samples say anything."""
    most = max(2, math.ceil(math.log10(max(samples, 10))))
    marks = [(0.0, "0")] + [(1 - 10.0**-count, f"{100 * (1 - 10.0**-count):.10g}%") for count in range(1, most)]
    return Axis(lambda value: min(1.0, -math.log10(max(1 - value, 10.0**-most)) / most), marks)


def lines(title: str, drawn: Sequence[Line], across: Axis, up: Axis, stripes: Sequence[Point] = ()) -> str:
    """A chart of lines. `stripes` mark stretches of the horizontal axis."""
    parts = [*_stripes(stripes, across), *_grid(across, up)]
    for number, line in enumerate(drawn):
        colour = COLOURS[number % len(COLOURS)]
        places = [(_x(across.place(x)), _y(up.place(y))) for x, y in line.points]
        if line.dots:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places]
        elif places:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
    return _figure(title, _legend(drawn), parts, HEIGHT)


def bars(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """A bar for each row, its number at the end."""
    most = max((value for _, value in rows), default=0) or 1
    parts = []
    for number, (name, value) in enumerate(rows):
        y = number * BAR_HEIGHT + 4
        width = (WIDTH - BARS_LEFT - 90) * value / most
        parts += [
            f'<text x="{BARS_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(name[:64])}</text>',
            f'<rect x="{BARS_LEFT}" y="{y}" width="{width:.1f}" height="{BAR_HEIGHT - 6}" fill="{COLOURS[1]}"/>',
            f'<text x="{BARS_LEFT + width + 6:.1f}" y="{y + 13}">{value:,.0f}</text>',
        ]
    return _figure(title, "", parts, len(rows) * BAR_HEIGHT + 8)


def short(value: float) -> str:
    """A number as one writes it on an axis."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.4g}{letter}"
    return f"{value:.4g}"


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


def _x(place: float) -> float:
    return LEFT + place * (WIDTH - LEFT - RIGHT)


def _y(place: float) -> float:
    return HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM)


def _grid(across: Axis, up: Axis) -> Iterator[str]:
    for value, text in up.marks:
        y = _y(up.place(value))
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'
    for value, text in across.marks:
        x = _x(across.place(value))
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" class="grid"/>'
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{escape(text)}</text>'


def _stripes(stripes: Sequence[Point], across: Axis) -> Iterator[str]:
    for start, end in stripes:
        x, width = _x(across.place(start)), max(_x(across.place(end)) - _x(across.place(start)), 1.5)
        yield f'<rect x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}" class="stripe"/>'


def _legend(drawn: Sequence[Line]) -> str:
    return " ".join(
        f'<span style="color:{COLOURS[number % len(COLOURS)]}">&#9632; {escape(line.name)}</span>'
        for number, line in enumerate(drawn)
    )


def _figure(title: str, legend: str, parts: Sequence[str], height: int) -> str:
    drawing = "\n".join(parts)
    return (
        f"<figure><figcaption><b>{escape(title)}</b> {legend}</figcaption>\n"
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">\n{drawing}\n</svg></figure>'
    )
