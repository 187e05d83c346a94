"""The tables of docs/metrics.md, made from what real daemons show to Prometheus.

python -m tests.daemon.metrics_table    writes them into the page
"""

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.outside import ROOT
from tests.running import running

BEGIN: Final = "<!-- made by tests/daemon/metrics_table.py -->\n"
END: Final = "<!-- end -->\n"
PAGE: Final = ROOT / "docs" / "metrics.md"

# What hangs on the store shows in these: slabs, buffers that are used again, neither.
STORES: Final = ("mmap", "cache", "heap")

# Each subject, and how the names of its metrics begin.
SUBJECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "The pool": (
        *("txpool_transactions", "txpool_bytes", "txpool_senders", "txpool_stage", "txpool_submissions"),
        *("txpool_removed", "txpool_included", "txpool_promoted", "txpool_demoted", "txpool_reinject"),
        "txpool_events",
    ),
    "The way in": ("txpool_ingest",),
    "The head": ("txpool_head",),
    "JSON-RPC": ("txpool_rpc", "txpool_http", "txpool_session"),
    "The store": ("txpool_slab", "txpool_buffer", "txpool_cache"),
    "Memory": ("txpool_memory", "txpool_resident", "txpool_heap", "txpool_malloc", "txpool_page"),
    "The collector": ("txpool_gc",),
    "The loop": ("txpool_loop",),
    "The governor": ("txpool_governor",),
    "The process": ("txpool_info", "process"),
}

VALUES_MAX: Final = 8  # of a label, that are named
ITS_OWN: Final = frozenset({"store", "version", "python", "kernel", "lanes"})  # labels whose values are the daemon's


def shown(store: str) -> dict[str, Metric]:
    """What a daemon with this store shows, by name."""
    with running("--dev", "--dev-period", "0", "--store", store) as daemon:
        page = daemon.scrape()
    return {_name(metric): metric for metric in text_string_to_metric_families(page)}


def tables() -> str:
    """All metrics, subject by subject."""
    by_store = {store: shown(store) for store in STORES}
    every = {name: metric for metrics in by_store.values() for name, metric in metrics.items()}
    rows: dict[str, list[str]] = {subject: [] for subject in SUBJECTS}
    for name, metric in every.items():
        having = [store for store, metrics in by_store.items() if name in metrics]
        where = "" if len(having) == len(STORES) else f" Only with `--store {'` or `'.join(having)}`."
        labels = "; ".join(_labels(metric))
        about = metric.documentation.replace("|", "/")
        rows[subject_of(name)].append(f"| `{name}` | {metric.type} | {labels} | {about}{where} |")
    return "\n".join(line for subject, found in rows.items() for line in _table(subject, found))


def subject_of(name: str) -> str:
    """What a metric tells of; every one has its place."""
    found = [subject for subject, begun in SUBJECTS.items() if name.startswith(begun)]
    assert len(found) == 1, f"SUBJECTS says {found} of {name}"
    return found[0]


def _name(metric: Metric) -> str:
    """The parser takes the ending off counters."""
    return metric.name + "_total" if metric.type == "counter" else metric.name


def _labels(metric: Metric) -> Iterator[str]:
    """Its labels, each with its values, where they are few and the same everywhere."""
    for label in dict.fromkeys(label for sample in metric.samples for label in sample.labels if label != "le"):
        values = list(dict.fromkeys(sample.labels[label] for sample in metric.samples))
        few = label not in ITS_OWN and len(values) <= VALUES_MAX
        yield f"`{label}`: {', '.join(values)}" if few else f"`{label}`"


def _table(subject: str, rows: list[str]) -> list[str]:
    return [f"## {subject}", "", "| metric | type | labels | |", "|---|---|---|---|", *rows, ""]


def written(page: str) -> str:
    """The page with the tables as they are now."""
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return page[:start] + "\n" + tables() + "\n" + page[end:]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
