"""Charts as SVG text: lines over time, percentiles over nines, bars. No script, nothing from outside the page."""

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Final, NamedTuple

import msgspec

WIDTH: Final = 860
HEIGHT: Final = 260
LEFT: Final = 64
RIGHT: Final = 16
TOP: Final = 14
BOTTOM: Final = 30
COLOURS: Final = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f")
BAR_HEIGHT: Final = 22
BARS_LEFT: Final = 420
RANGES_LEFT: Final = 210
RANGES_WIDTH: Final = 500
TICKS: Final = 5
HEADLINE: Final = 24  # of a chart in a file of its own
LEGEND_ROW: Final = 18
LEGEND_COLUMNS: Final = 4
LEGEND_WIDTH: Final = 195
FILE_STYLE: Final = (
    "text{font:11px system-ui,sans-serif;fill:#6b7280}.grid{stroke:#e5e7eb}.stripe{fill:#fde68a;opacity:.6}"
)

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


class Chart(NamedTuple):
    """A drawing with its title and what its colours mean: for a page, or as a file of its own."""

    title: str
    names: Sequence[str]
    parts: Sequence[str]
    height: int

    def figure(self) -> str:
        """As part of a page, whose style it takes."""
        legend = " ".join(
            f'<span style="color:{_colour(number)}">&#9632; {escape(name)}</span>'
            for number, name in enumerate(self.names)
        )
        drawing = "\n".join(self.parts)
        return (
            f"<figure><figcaption><b>{escape(self.title)}</b> {legend}</figcaption>\n"
            f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{escape(self.title)}">\n{drawing}\n'
            "</svg></figure>"
        )

    def file(self) -> str:
        """As an SVG file that needs nothing else; its title and legend stand above the drawing."""
        rows = [self.names[start : start + LEGEND_COLUMNS] for start in range(0, len(self.names), LEGEND_COLUMNS)]
        above = HEADLINE + len(rows) * LEGEND_ROW
        legend = [
            f'<text x="{LEFT + column * LEGEND_WIDTH}" y="{HEADLINE + row * LEGEND_ROW + 8}" '
            f'style="fill:{_colour(row * LEGEND_COLUMNS + column)}">&#9632; {escape(name)}</text>'
            for row, names in enumerate(rows)
            for column, name in enumerate(names)
        ]
        head = f'<text x="{LEFT}" y="16" style="font-size:13px;fill:#1f2937">{escape(self.title)}</text>'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height + above}" role="img">',
                f"<title>{escape(self.title)}</title><style>{FILE_STYLE}</style>",
                f'<rect width="{WIDTH}" height="{self.height + above}" fill="#fff"/>',
                *(head, *legend, f'<g transform="translate(0 {above})">', *self.parts, "</g></svg>\n"),
            ]
        )


class Range(NamedTuple):
    """A row of a chart of ranges: a value, and between which it lies."""

    name: str
    value: float
    low: float
    high: float
    text: str


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
    """A chart of lines as part of a page. `stripes` mark stretches of the horizontal axis."""
    return line_chart(title, drawn, across, up, stripes).figure()


def line_chart(title: str, drawn: Sequence[Line], across: Axis, up: Axis, stripes: Sequence[Point] = ()) -> Chart:
    """A chart of lines. `stripes` mark stretches of the horizontal axis."""
    parts = [*_stripes(stripes, across), *_grid(across, up)]
    for number, line in enumerate(drawn):
        colour = _colour(number)
        places = [(_x(across.place(x)), _y(up.place(y))) for x, y in line.points]
        if line.dots:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places]
        elif places:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
    return Chart(title, [line.name for line in drawn], parts, HEIGHT)


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
    return Chart(title, (), parts, len(rows) * BAR_HEIGHT + 8).figure()


def ranges(title: str, rows: Sequence[Range]) -> Chart:
    """A bar for each row, a line from its lowest to its highest value over the end of it."""
    most = max((row.high for row in rows), default=0) or 1
    parts = []
    for number, row in enumerate(rows):
        y = number * BAR_HEIGHT + 4
        end, low, high = (RANGES_LEFT + RANGES_WIDTH * max(x, 0) / most for x in (row.value, row.low, row.high))
        parts += [
            f'<text x="{RANGES_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(row.name)}</text>',
            f'<rect x="{RANGES_LEFT}" y="{y}" width="{end - RANGES_LEFT:.1f}" height="16" fill="{_colour(number)}"/>',
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y + 8}" y2="{y + 8}" stroke="#1f2937" stroke-width="2"/>',
            f'<text x="{max(end, high) + 6:.1f}" y="{y + 13}">{escape(row.text)}</text>',
        ]
    return Chart(title, (), parts, len(rows) * BAR_HEIGHT + 8)


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


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
