"""Allocations for people: a table, and a page that needs nothing else."""

import re

from txpool.client.flame_graph import flame_graph
from txpool.client.trace import Found, Group, Stack, Traced, describe_trace

SUBMIT: Stack = {
    "count": 2,
    "bytes": 300_000,
    "how": "malloc",
    "frames": [("_turn", "txpool/ingest/ingest.py", 187), ("submit", "txpool/core/pool.py", 101)],
}
TURN: Stack = {"count": 1, "bytes": 100_000, "how": "realloc", "frames": SUBMIT["frames"][:1]}
ODD: Stack = {"count": 1, "bytes": 600_000, "how": "mmap", "frames": [("<module>", "txpool/a&b.py", 1)]}


def group(entry: str, *stacks: Stack) -> Group:
    count, size = sum(stack["count"] for stack in stacks), sum(stack["bytes"] for stack in stacks)
    return {"entry": entry, "count": count, "bytes": size, "stacks": stacks, "omitted": 0}


def traced(*groups: Group, ended: str = "time") -> Traced:
    found: Found = {"records": 1234, "groups": groups}
    return {
        "seconds": 10.004,
        "heldUpSeconds": 0.0123,
        "minBytes": 32_768,
        "ended": ended,
        "fileBytes": 4096,
        "found": found,
    }


def test_the_table_has_a_row_for_each_entry_point_with_its_largest_stack() -> None:
    told = describe_trace(traced(group("pool add", SUBMIT, TURN), group("other", ODD), ended="full")).splitlines()

    assert told[:4] == [
        "allocations of 32768 bytes and more in 10.0 s",
        "looked at 1234 allocations and frees of any size; ended early, the recording was full",
        "beginning and ending held the daemon up for 12.3 ms",
        "",
    ]
    assert [re.split(r"  +", line) for line in told[4:]] == [
        ["entry point", "count", "bytes", "top stack, innermost first"],
        [
            *("pool add", "3", "400000"),
            "malloc 300000 < submit txpool/core/pool.py:101 < _turn txpool/ingest/ingest.py:187",
        ],
        ["other", "1", "600000", "mmap 600000 < <module> txpool/a&b.py:1"],
    ]


def test_where_nothing_is_large_the_table_says_so() -> None:
    assert describe_trace(traced()).splitlines()[-1] == "none is so large"


def test_the_page_loads_nothing() -> None:
    page = flame_graph(traced(group("pool add", SUBMIT), group("other", ODD)))

    assert re.findall(r"https?:|//|\bsrc\b|\bhref\b|@import|url\(|fetch\(", page) == []


def test_a_box_is_as_wide_as_its_bytes_and_stands_in_the_one_that_called_it() -> None:
    page = flame_graph(traced(group("pool add", SUBMIT, TURN), group("other", ODD)))

    drawn = re.findall(r'flex-grow:(\d+)"><b[^>]*>([^<]*)</b>', page)
    assert drawn == [
        ("1000000", "all"),
        ("600000", "other"),
        ("600000", "&lt;module&gt; txpool/a&amp;b.py:1"),
        ("600000", "mmap"),
        ("400000", "pool add"),
        ("400000", "_turn txpool/ingest/ingest.py:187"),
        ("300000", "submit txpool/core/pool.py:101"),
        ("300000", "malloc"),
        ("100000", "realloc"),
    ]
    assert page.count("<div") == page.count("</div>")


def test_what_is_too_narrow_to_see_leaves_a_gap() -> None:
    crumb: Stack = {**TURN, "bytes": 1}

    page = flame_graph(traced(group("pool add", SUBMIT), group("other", crumb)))

    assert ">other<" not in page.partition('id="graph"')[2]
    assert '<div class="box" style="flex-grow:1"></div>' in page


def test_a_page_of_nothing_can_be_drawn() -> None:
    assert ">all<" in flame_graph(traced())
