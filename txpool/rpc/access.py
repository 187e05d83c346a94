"""Who may talk to the server from a browser: host names (against DNS rebinding) and origins (CORS)."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

ADMITTED_MAX: Final = 1024  # spellings of the Host header that are remembered
PREFLIGHT_MAX_AGE_SECONDS: Final = 600
METHODS: Final = (b"POST", b"GET")


class Access:
    """The rules of go-ethereum's `--http.vhosts` and `--http.corsdomain`.

    An IP literal is always admitted as host: a name that an attacker binds to our address is what the check is for.
    """

    def __init__(self, vhosts: tuple[str, ...] = ("localhost",), origins: tuple[str, ...] = ()) -> None:
        self._vhosts = frozenset(name.lower() for name in vhosts)
        self._origins = tuple(origin.lower() for origin in origins)
        self.admitted: set[bytes] = set()  # spellings that have passed
        self.shares = bool(self._origins)

    def admits(self, host: bytes) -> bool:
        """Whether a request may name this host; the empty one is no browser's."""
        if not host:
            return True
        if not self._judge(host.decode("latin-1")):
            return False
        if len(self.admitted) < ADMITTED_MAX:
            self.admitted.add(host)
        return True

    def _judge(self, host: str) -> bool:
        name = _without_port(host).lower()
        return "*" in self._vhosts or name in self._vhosts or _is_address(name)

    def share_with(self, headers: Mapping[bytes, bytes]) -> bytes:
        """The header lines that let a browser's page read the answer; none where no origin is configured."""
        if not self._origins:
            return b""
        return b"Vary: Origin\r\n" + self._allow_origin(headers.get(b"origin", b""))

    def preflight(self, method: bytes, headers: Mapping[bytes, bytes]) -> bytes | None:
        """The header lines that answer a browser's question in advance; None if this is no such question."""
        wanted = headers.get(b"access-control-request-method")
        if not self._origins or method != b"OPTIONS" or wanted is None:
            return None
        lines = b"Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"
        allowed = self._allow_origin(headers.get(b"origin", b""))
        if not allowed or wanted.upper() not in METHODS:
            return lines
        lines += allowed + b"Access-Control-Allow-Methods: " + wanted.upper() + b"\r\n"
        if asked := headers.get(b"access-control-request-headers"):
            lines += b"Access-Control-Allow-Headers: " + asked + b"\r\n"
        return lines + b"Access-Control-Max-Age: %d\r\n" % PREFLIGHT_MAX_AGE_SECONDS

    def _allow_origin(self, origin: bytes) -> bytes:
        if not origin:
            return b""
        if "*" in self._origins:
            return b"Access-Control-Allow-Origin: *\r\n"
        text = origin.decode("latin-1").lower()
        if any(_matches(pattern, text) for pattern in self._origins):
            return b"Access-Control-Allow-Origin: " + origin + b"\r\n"
        return b""


def _matches(pattern: str, origin: str) -> bool:
    """Compare with an origin that may hold one `*`, as in `https://*.example.org`."""
    before, star, after = pattern.partition("*")
    if not star:
        return origin == pattern
    return len(origin) >= len(before) + len(after) and origin.startswith(before) and origin.endswith(after)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, colon, _ = host.rpartition(":")
    return host if ":" in name or not colon else name


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
