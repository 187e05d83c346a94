"""Tags on what RPC begins: every method is a source of its own."""

from typing import Any, Final

from msgspec.structs import replace

from txpool.observe.tags import EVICTION, QUERY, SNAPSHOT, Source, Tags
from txpool.rpc.method import Method, Methods, Run
from txpool.rpc.streaming import Stream

# Those that are no mere queries.
KINDS: Final = {
    "pool_remove": EVICTION,
    "txpool_content": SNAPSHOT,
    "txpool_contentFrom": SNAPSHOT,
    "txpool_inspect": SNAPSHOT,
}


def tagged(methods: Methods, tags: Tags) -> Methods:
    """The same methods, each telling when it is at work. Of one that waits that is until it first does."""
    return {name: _tagged(name, method, tags) for name, method in methods.items()}


def _tagged(name: str, method: Method, tags: Tags) -> Method:
    source = tags.source(KINDS.get(name, QUERY), name)
    return replace(method, run=_run(method.run, source, tags))


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
