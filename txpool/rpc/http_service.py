"""JSON-RPC over HTTP: go-ethereum's answers to everything that is no plain call."""

from typing import Final

from txpool.rpc.envelope import NULL, error
from txpool.rpc.errors import SHUTTING_DOWN
from txpool.rpc.http_message import JSON, Exchange
from txpool.rpc.service import JsonRpc

FAREWELL: Final = error(NULL, SHUTTING_DOWN)  # to what comes after the server began to stop

_CONTENT_TYPES: Final = frozenset({JSON, b"application/json-rpc", b"application/jsonrequest"})
_NO_CALLS: Final = frozenset({b"PUT", b"DELETE"})


class JsonRpcOverHttp:
    """The handler of an `HttpServer` that serves JSON-RPC."""

    __slots__ = ("_rpc",)

    def __init__(self, rpc: JsonRpc) -> None:
        self._rpc = rpc

    def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        if exchange.method == b"POST" and exchange.target == b"/" and _is_json(exchange):
            self._rpc.handle(exchange.body, exchange.reply, errands=exchange.errands)
        else:
            self._answer_oddity(exchange)

    def _answer_oddity(self, exchange: Exchange) -> None:
        method = exchange.method
        path, question, _ = exchange.target.partition(b"?")
        if path != b"/":
            exchange.reply(b"", 404)
        elif method == b"GET" and not question and not exchange.body:
            exchange.reply(b"")
        elif method in _NO_CALLS:
            exchange.refuse(405, "method not allowed")
        elif method == b"OPTIONS" or _is_json(exchange):
            self._rpc.handle(exchange.body, exchange.reply, errands=exchange.errands)
        else:
            exchange.refuse(415, "invalid content type, only application/json is supported")


def _is_json(exchange: Exchange) -> bool:
    content_type = exchange.headers.get(b"content-type", b"")
    return content_type in _CONTENT_TYPES or content_type.partition(b";")[0].strip().lower() in _CONTENT_TYPES
