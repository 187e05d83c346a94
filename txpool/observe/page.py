"""The metrics page: a template prepared once, filled with numbers on each scrape.

Building the page anew for each scrape would hold the loop for milliseconds. Which series exist is known from the
start, since every label takes its values from a closed set; so all text but the numbers is written once.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from txpool.observe.histogram import Histogram

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


class Family(msgspec.Struct, frozen=True):
    """One metric: its series in order, and where their numbers come from.

    Attributes:
        name: with its unit, and `_total` on a counter.
        help: one sentence.
        kind: as Prometheus calls it.
        series: the text of each series before its number.
        read: the numbers, one for each series, in the same order.
    """

    name: str
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    series: Sequence[str]
    read: Callable[[], Sequence[float]]


class Page:
    """All families as Prometheus' text format 0.0.4."""

    def __init__(self, families: Sequence[Family]) -> None:
        """Write the template."""
        names = [family.name for family in families]
        assert len(set(names)) == len(names), "two metrics of one name"
        self._readers = [family.read for family in families]
        self._template = "".join(map(_text, families))

    def render(self) -> bytes:
        """Fill in what the numbers are now."""
        values: list[float] = []
        for read in self._readers:
            values += read()
        return (self._template % tuple(values)).encode()


def gauge(name: str, text: str, read: Callable[[], float]) -> Family:
    """A single number that goes up and down."""
    return Family(name, text, "gauge", (name,), lambda: (read(),))


def gauges(name: str, text: str, labels: Sequence[Labels], read: Callable[[], Sequence[float]]) -> Family:
    """Numbers that go up and down, one for each set of labels."""
    return Family(name, text, "gauge", [name + label_text(each) for each in labels], read)


def counter(name: str, text: str, read: Callable[[], float]) -> Family:
    """A single number that only grows."""
    return Family(name, text, "counter", (name,), lambda: (read(),))


def counters(name: str, text: str, labels: Sequence[Labels], read: Callable[[], Sequence[float]]) -> Family:
    """Numbers that only grow, one for each set of labels."""
    return Family(name, text, "counter", [name + label_text(each) for each in labels], read)


def histograms(name: str, text: str, members: Sequence[tuple[Labels, Histogram]]) -> Family:
    """Distributions, one for each set of labels."""
    series = [line for labels, histogram in members for line in _histogram_series(name, labels, histogram.bounds)]

    def read() -> list[float]:
        return [value for _, histogram in members for value in histogram.samples()]

    return Family(name, text, "histogram", series, read)


def label_text(labels: Labels) -> str:
    """Write labels as Prometheus does; nothing for none."""
    if not labels:
        return ""
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items()) + "}"


def _histogram_series(name: str, labels: Labels, bounds: Sequence[float]) -> list[str]:
    edges = [*(f"{bound:.12g}" for bound in bounds), "+Inf"]
    buckets = [name + "_bucket" + label_text({**labels, "le": edge}) for edge in edges]
    return [*buckets, name + "_sum" + label_text(labels), name + "_count" + label_text(labels)]


def _text(family: Family) -> str:
    head = f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}\n"
    return head.replace("%", "%%") + "".join(one.replace("%", "%%") + " %s\n" for one in family.series)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
