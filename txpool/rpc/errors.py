"""JSON-RPC errors with go-ethereum's codes and words."""

from typing import Final

import msgspec


class RpcError(msgspec.Struct, frozen=True, gc=False):
    """An answer that says no: a code, a sentence, at times something to look at."""

    code: int
    message: str
    data: str | None = None


PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SERVER_ERROR: Final = -32000  # what the pool or the chain refuses
REQUEST_TIMED_OUT: Final = -32002
RESPONSE_TOO_LARGE: Final = -32003
LIMIT_EXCEEDED: Final = -32005

METHOD_NAME_BYTES_MAX: Final = 2048

NOT_JSON: Final = RpcError(PARSE_ERROR, "parse error")
STRAY: Final = RpcError(INVALID_REQUEST, "invalid request")
EMPTY_BATCH: Final = RpcError(INVALID_REQUEST, "empty batch")
BATCH_TOO_LARGE: Final = RpcError(INVALID_REQUEST, "batch too large")
ANSWER_TOO_LARGE: Final = RpcError(RESPONSE_TOO_LARGE, "response too large")
TIMED_OUT: Final = RpcError(REQUEST_TIMED_OUT, "request timed out")
NO_SUBSCRIPTION: Final = RpcError(SERVER_ERROR, "subscription not found")
NO_SUBSCRIPTION_NAME: Final = RpcError(INVALID_PARAMS, "expected subscription name as first argument")
NO_NOTIFICATIONS: Final = RpcError(METHOD_NOT_FOUND, "notifications not supported")
CRASHED: Final = RpcError(INTERNAL_ERROR, "method handler crashed")
SHUTTING_DOWN: Final = RpcError(LIMIT_EXCEEDED, "shutting down")
NO_ROOM: Final = RpcError(LIMIT_EXCEEDED, "too many bytes of long answers under way")
TOO_MANY_WAIT: Final = RpcError(LIMIT_EXCEEDED, "too many calls wait, retry in 1 s")
NON_ARRAY: Final = RpcError(INVALID_PARAMS, "non-array args")
NO_HEADER: Final = RpcError(SERVER_ERROR, "header not found")


def no_such_method(name: str) -> RpcError:
    """A method that nobody serves."""
    missing = RpcError(METHOD_NOT_FOUND, f"the method {name} does not exist/is not available")
    return name_too_long("method", name) or missing


def name_too_long(what: str, name: str) -> RpcError | None:
    """A name longer than any; None if it is not."""
    size = len(name.encode("utf-8", "replace"))
    if size <= METHOD_NAME_BYTES_MAX:
        return None
    return RpcError(INVALID_REQUEST, f"{what} name too long: {size} > {METHOD_NAME_BYTES_MAX}")


def no_such_subscription(namespace: str, name: str) -> RpcError:
    """A kind of subscription that nobody serves; the name as Go quotes it."""
    return RpcError(METHOD_NOT_FOUND, f"no {go_quoted(name)} subscription in {namespace} namespace")


def go_quoted(text: str) -> str:
    """Quote as Go's `%q` does."""
    return '"' + "".join(_ESCAPED.get(each) or _printable(each) for each in text) + '"'


_ESCAPED: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def _printable(character: str) -> str:
    code = ord(character)
    if character.isprintable():
        return character
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def invalid_argument(index: int, why: str) -> RpcError:
    """An argument that cannot be read."""
    return RpcError(INVALID_PARAMS, f"invalid argument {index}: {why}")


def missing_argument(index: int) -> RpcError:
    """An argument that has to be there."""
    return RpcError(INVALID_PARAMS, f"missing value for required argument {index}")


def too_many_arguments(most: int) -> RpcError:
    """More arguments than the method takes."""
    return RpcError(INVALID_PARAMS, f"too many arguments, want at most {most}")


def refused(why: object) -> RpcError:
    """What the pool or the chain says no to; wallets match on the sentence."""
    return RpcError(SERVER_ERROR, str(why))
