"""What a server reports of itself after a run: ours does, others have no such method."""

import time

from loadtest.conduct import reported
from loadtest.target import parse_target
from tests.cli.test_submitting import transfer
from tests.running import running


def test_reports_since_the_run_began_are_told_with_their_time_in_it() -> None:
    watch = ["--set", "watch.lag_seconds=0.000001"]  # every turn is late
    began = time.time_ns()
    with running("--dev", *watch) as daemon:
        daemon.call("eth_sendRawTransaction", transfer(0))
        target = parse_target(daemon.url)
        found = next(filter(None, (reported(target, began) for _ in range(5000))), [])
        later = reported(target, time.time_ns() + 10**12)

    assert found
    assert {each.trigger for each in found} == {"lag"}
    assert all(each.at >= 0 and each.sentence for each in found)
    assert later == []


def test_who_cannot_be_asked_reports_nothing() -> None:
    assert reported(None, 0) == []
    assert reported(parse_target("ws://127.0.0.1:1"), 0) == []
    assert reported(parse_target("http://127.0.0.1:1"), 0) == []
