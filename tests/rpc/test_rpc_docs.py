"""The examples of docs/rpc.md, played in order on one node: each gives what the page says, but for the time."""

import json
import re
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from tests.outside import ROOT
from tests.rpc.loop import run
from tests.rpc.node import ALICE, GWEI, START, Node, transfer
from tests.rpc.test_pool_socket import Peer, sent, socket_of
from tests.running import running
from txpool.core.settings import PoolSettings
from txpool.observe.attribution import Activity, Facts, Trigger, accusation, suspects
from txpool.observe.reports import Report
from txpool.rpc.pool_governor import GovernorStanding, MemoryStanding, Moved

PAGE: Final = (ROOT / "docs" / "rpc.md").read_text()
SUBSCRIPTION: Final = "0x9cef478923ff08bf67fde6c64013158d"
EXAMPLE: Final = re.compile(r"^```json\n--> (.*?)\n<-- (.*?)(?:\n<-- (.*?))?\n```$", re.MULTILINE | re.DOTALL)


def without_times(told: Any) -> Any:  # noqa: ANN401 - whatever JSON says
    """The time, and the name of a subscription, are others at each run."""
    if isinstance(told, list):
        return [without_times(each) for each in told]
    if isinstance(told, dict):
        return {name: "..." if name in {"time", "subscription"} else without_times(each) for name, each in told.items()}
    return told


async def play(peer: Peer, request: dict[str, Any], *, subscribes: bool) -> list[Any]:
    """Send one request; its answer, and for a subscription the first thing that is told."""
    answer = await peer.ask(request)
    if not subscribes:
        return [answer]
    return [{**answer, "result": SUBSCRIPTION}, await peer.message()]


class Fares:
    """How the server of the page's examples fares."""

    def governor(self) -> GovernorStanding:
        return GovernorStanding(enabled=True, step=1, steps=4, name="hashes_only", latency=0.081)

    def memory(self) -> MemoryStanding:
        return MemoryStanding("none", held=40 << 20, soft=8 << 30, hard=10 << 30)


async def prepared(node: Node, peer: Peer) -> None:
    """What the page's examples find: one that is pending, one that waits, and a governor that has moved."""
    why = "submissions took 81 ms (p99), more than 50 ms, for 5 s"
    node.governor.stewards = Fares()
    node.governor.tell(Moved(1, "governor", "full_service", "hashes_only", why))
    await sent(peer, transfer(ALICE, 0), transfer(ALICE, 2, tip_cap=2 * GWEI))


def reported() -> Report:
    """What a large answer once did to the loop."""
    guilty = Activity("snapshot", "txpool_content", calls_per_second=0.2, seconds=0.41, longest_seconds=0.4)
    guilty = replace(guilty, heap_bytes=52_428_800, blocks=310_000, collections=12)
    sent = Activity("submit", calls_per_second=812.4, seconds=0.02)
    (first, *_) = suspects(Facts(Trigger.LAG, 0.39, [guilty, sent]))
    return Report(
        number=3,
        time=START * 10**9,
        trigger=Trigger.LAG,
        measured=0.39,
        threshold=0.2,
        cause=first.activity.kind,
        name=first.activity.name,
        sentence=accusation(first),
        alarms=["heap_growth"],
        heap_growth=52_600_000.0,
        pause_p99=0.004,
        cpu_share=0.97,
        head_updates=1,
        evicted=0,
        stage="pending",
        stages={"received": 0.0, "validating": 0.0, "queued": 0.0, "pending": 190_000.0},
        suspects=[first.activity],
    )


def test_the_examples_of_the_page_are_true(tmp_path: Path) -> None:
    async def story() -> list[tuple[Any, list[Any]]]:
        played = []
        node = Node(pool=PoolSettings(account_queue=1))
        node.reports.append(reported())
        async with socket_of(node, tmp_path) as peer:
            await prepared(node, peer)
            for request, *answers in EXAMPLE.findall(PAGE):
                said = await play(peer, json.loads(request), subscribes="_subscribe" in request)
                played.append(([json.loads(each) for each in answers if each], said))
        return played

    played = run(story())

    for written, said in played:
        assert without_times(written) == without_times(said), json.dumps(said)


def test_every_method_of_the_namespace_has_an_example() -> None:
    shown = {json.loads(request)["method"] for request, *_ in EXAMPLE.findall(PAGE)}
    names = ("pool.py", "pool_governor.py", "gc_reports.py")
    sources = [(ROOT / "txpool" / "rpc" / name).read_text() for name in names]
    node_methods = {found for text in sources for found in re.findall(r'"(pool_[A-Za-z]+)": Method', text)}

    assert shown == node_methods | {"pool_subscribe"}


def test_every_method_that_a_daemon_serves_is_in_a_table() -> None:
    with running("--dev") as daemon:
        page = daemon.scrape()
    served = set(re.findall(r'^txpool_rpc_duration_seconds_count\{method="(\w+_\w+)"\}', page, re.MULTILINE))

    named = [
        each for row in re.findall(r"^\| (`[a-z].*?) \|", PAGE, re.MULTILINE) for each in re.findall(r"`(\w+)", row)
    ]

    assert len(named) == len({*named}) + 1, "each once, but for the two kinds of `pool_subscribe`"
    assert {*named} - {"pool_subscribe", "pool_traceAlloc"} == served - {"pool_traceAlloc"}
