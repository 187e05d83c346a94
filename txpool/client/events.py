"""The pool's events, page after page, and on as they happen."""

import time
from collections.abc import Iterator, Mapping
from typing import Final, cast

from txpool.client.jsonrpc import Json, RpcClient, quantity
from txpool.client.lifecycle import format_time

POLL_S: Final = 0.25
PAGE_ITEMS: Final = 1000

Fields = Mapping[str, Json]


def events(rpc: RpcClient, start: str, wanted: dict[str, Json], *, follow: bool) -> Iterator[Fields]:
    """Events from a number on, `earliest` or `latest`; without `follow` up to the newest.

    What the server has overwritten before it could be read comes as one object with the member `gap`.
    """
    place: Json = start if start in ("earliest", "latest") else hex(int(start))
    while True:
        page = cast("Fields", rpc.call("pool_events", place, PAGE_ITEMS, wanted))
        if missed := quantity(page["missed"]):
            first = quantity(page["firstSeq"])
            yield {"gap": {"fromSeq": hex(first - missed), "toSeq": hex(first)}}
        yield from cast("list[Fields]", page["events"])
        place = page["nextSeq"]
        if quantity(page["nextSeq"]) >= quantity(page["endSeq"]):
            if not follow:
                return
            time.sleep(POLL_S)


def describe_event(event: Fields) -> str:
    """Write an event, or a gap, in one line."""
    gap = event.get("gap")
    if isinstance(gap, dict):
        return (
            f"-- {quantity(gap['toSeq']) - quantity(gap['fromSeq'])} events are gone: the server keeps the newest only"
        )
    kind, reason, other = str(event["kind"]), event["reason"], event["counterpart"]
    words = [
        f"{quantity(event['seq']):>8}",
        format_time(quantity(event["time"])),
        f"{kind:<10}",
        str(event["hash"]),
        str(event["sender"]),
        f"nonce {quantity(event['nonce'])}",
    ]
    words += [str(reason)] if reason else []
    words += [f"({other})"] if other else []
    return "  ".join(words)
