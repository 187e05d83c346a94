"""Tags on what RPC begins: every method is a source of its own."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from txpool.observe.tags import EVICTION, OTHER, QUERY, SNAPSHOT, Source, Tags
from txpool.rpc.envelope import encode
from txpool.rpc.method import Method, Methods, Run
from txpool.rpc.streaming import Stream

# Those that are no mere queries.
KINDS: Final = {
    "miner_setGasPrice": EVICTION,
    "pool_remove": EVICTION,
    "txpool_content": SNAPSHOT,
    "txpool_contentFrom": SNAPSHOT,
    "txpool_inspect": SNAPSHOT,
}


def tagged(methods: Methods, tags: Tags) -> Methods:
    """The same methods, each telling when it is at work; one that waits, whenever it goes on."""
    return {name: _tagged(_source(name, tags), method, tags) for name, method in methods.items()}


def encoder(methods: Methods, tags: Tags) -> Callable[[str, object], bytes]:
    """A function that makes JSON of what a method has given, which is its work, too."""
    sources = {name: _source(name, tags) for name in methods}
    other, resume, leave = tags.source(OTHER), tags.resume, tags.leave

    def encode_in_source(name: str, outcome: object) -> bytes:
        before = resume(sources.get(name, other))
        try:
            return encode(outcome)
        finally:
            leave(before)

    return encode_in_source


def _source(name: str, tags: Tags) -> Source:
    return tags.source(KINDS.get(name, QUERY), name)


def _tagged(source: Source, method: Method, tags: Tags) -> Method:
    run = _run(method.run, source, tags)
    return replace(method, run=_waiting(run, source, tags) if method.waits else run)


def _run(run: Run, source: Source, tags: Tags) -> Run:
    enter, leave = tags.enter, tags.leave

    def run_in_source(*arguments: Any) -> Any:  # noqa: ANN401 - whatever the method takes and gives
        before = enter(source)
        try:
            outcome = run(*arguments)
        finally:
            leave(before)
        if type(outcome) is Stream:
            return Stream(tags.through(source, iter(outcome.pieces)), outcome.turns)
        return outcome

    return run_in_source


def _waiting(run: Run, source: Source, tags: Tags) -> Run:
    def run_in_source(*arguments: Any) -> Any:  # noqa: ANN401 - whatever the method takes
        return tags.awaited(source, run(*arguments))

    return run_in_source
