"""`pool_gcReports`: the newest reports, and how many of them."""

from typing import Any

import msgspec
import pytest

from tests.rpc.loop import run
from tests.rpc.node import Node
from txpool.rpc.gc_reports import DEFAULT, MAX


class Told(msgspec.Struct, rename="camel"):
    """Anything that is a report."""

    report_number: int


def asked(*params: object) -> dict[str, Any]:
    """What a node with two thousand reports answers."""

    async def story() -> dict[str, Any]:
        async with Node() as node:
            node.reports += [Told(number) for number in range(2 * MAX, 0, -1)]
            answer: dict[str, Any] = await (await node.client()).call("pool_gcReports", *params)
            return answer

    return run(story())


@pytest.mark.parametrize(
    ("params", "count"), [((), DEFAULT), ((None,), DEFAULT), ((3,), 3), (("0x3",), 3), ((0,), 0), ((10**6,), MAX)]
)
def test_so_many_are_told_the_newest_first(params: tuple[object, ...], count: int) -> None:
    told = asked(*params)["result"]

    assert [each["reportNumber"] for each in told] == list(range(2 * MAX, 2 * MAX - count, -1))


@pytest.mark.parametrize("params", [(-1,), ("three",), (1, 2)])
def test_what_is_no_count_is_refused(params: tuple[object, ...]) -> None:
    assert asked(*params)["error"]["code"] == -32602
