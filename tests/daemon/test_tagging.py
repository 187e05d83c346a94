"""Every method is a source: what runs, breaks or goes on in pieces is counted as its own."""

from collections.abc import Iterator

import pytest

from tests.observe.clocks import Clock
from txpool.daemon.tagging import tagged
from txpool.observe.tags import Tags
from txpool.rpc.arguments import Parameters, small_count
from txpool.rpc.method import Method
from txpool.rpc.streaming import Stream, Turns


def test_a_method_is_at_work_while_it_runs() -> None:
    clock = Clock()
    tags = Tags(clock)

    def slow(seconds: int) -> str:
        clock.now += seconds
        return tags.current.name

    method = tagged({"eth_slow": Method(slow, Parameters(small_count))}, tags)["eth_slow"]

    assert method.parameters.read(b"[7]") == [7]
    assert method.run(7) == "eth_slow"
    assert (tags.source("query", "eth_slow").seconds, tags.current) == (7, tags.idle)


def test_a_method_that_breaks_is_no_longer_at_work() -> None:
    tags = Tags(Clock())

    with pytest.raises(ZeroDivisionError):
        tagged({"eth_broken": Method(lambda: 1 // 0)}, tags)["eth_broken"].run()

    assert tags.current is tags.idle


def test_each_piece_of_a_long_answer_is_work_of_its_method() -> None:
    clock = Clock()
    tags = Tags(clock)

    def pieces() -> Iterator[bytes]:
        for piece in (b"a", b"", b"b"):
            clock.now += 1
            yield piece

    stream = tagged({"txpool_content": Method(lambda: Stream(pieces(), Turns()))}, tags)["txpool_content"].run()
    made = []
    for piece in stream.pieces:
        clock.now += 10  # the peer takes it
        made.append(piece)

    source = tags.source("snapshot", "txpool_content")
    assert made == [b"a", b"", b"b"]
    assert (source.seconds, source.calls) == (3, 1)
    assert tags.current is tags.idle


@pytest.mark.parametrize(
    ("method", "kind"),
    [("txpool_content", "snapshot"), ("txpool_inspect", "snapshot"), ("pool_remove", "eviction"), ("x_y", "query")],
)
def test_methods_are_of_the_kind_of_what_they_do(method: str, kind: str) -> None:
    tags = Tags(Clock())
    tagged({method: Method(lambda: None)}, tags)[method].run()

    assert [(source.kind, source.name) for source in tags.sources if source.calls] == [(kind, method)]
