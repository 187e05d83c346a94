"""Which pages in a browser may open a WebSocket: the rules of go-ethereum's `--ws.origins`.

A browser names the page's origin, and a page cannot lie about it; whoever is no browser may name any or none. So the
check protects people with a browser from pages, and nobody else.
"""

import re
import socket
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import msgspec

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")


class Origin(msgspec.Struct, frozen=True, gc=False):
    """The parts of an origin; an empty one of a rule admits any."""

    scheme: str
    host: str
    port: str


class Origins:
    """The rules together; none given means pages of this machine, `*` any page."""

    def __init__(self, rules: Iterable[str] = ()) -> None:
        given = [rule.strip() for rule in rules if rule.strip()]
        self._any = "*" in given
        local = ("http://localhost", f"http://{socket.gethostname()}")
        self._rules = [origin for rule in given or local if (origin := _parse(rule)) is not None]

    def admit(self, header: str | None) -> bool:
        """Whether a request with this `Origin` header, or with none, may be served."""
        if header is None or self._any:
            return True
        origin = _parse(header)
        return origin is not None and any(_allows(rule, origin) for rule in self._rules)


def _allows(rule: Origin, origin: Origin) -> bool:
    return rule.scheme in ("", origin.scheme) and rule.host in ("", origin.host) and rule.port in ("", origin.port)


def _parse(text: str) -> Origin | None:
    """Read `https://example.org:8080`, `example.org:8080` or `example.org`; None if it is none of these."""
    text = text.lower()
    if "://" in text:
        try:
            parts = urlsplit(text)
            return Origin(parts.scheme, parts.hostname or "", "" if parts.port is None else str(parts.port))
        except ValueError:
            return None
    host, colon, port = text.partition(":")
    if not colon:
        return Origin("", text, "")
    return Origin("", host, port) if _SCHEME.fullmatch(host) else None
