"""The JSON-RPC envelope: bodies to calls, answers to bytes; read as leniently and as strictly as go-ethereum does.

Nearly every body is one well-formed call or a batch of them, and msgspec reads those typed, arguments left as text. All
else goes the careful way: the first JSON value counts and text after it is not read, members are matched whatever
their case, and a message that is no call still gives back its id.
"""

import re
from collections.abc import Sequence
from json.decoder import JSONDecoder
from typing import Final, Literal, NoReturn

import msgspec

from txpool.rpc.errors import EMPTY_BATCH, NOT_JSON, RpcError

VERSION: Final = "2.0"
NULL: Final = b"null"


class Call(msgspec.Struct, frozen=True, gc=False):
    """A call as it is on the wire; `id` and `params` are JSON text, empty where the member is left out.

    The method may be an empty name and the id no id: `stray_of` tells.
    """

    method: str
    jsonrpc: Literal["2.0"]
    id: msgspec.Raw = msgspec.Raw(b"")
    params: msgspec.Raw = msgspec.Raw(b"")


class Stray(msgspec.Struct, frozen=True, gc=False):
    """A message that is no call. It is told so under its id, or under null."""

    id: bytes = NULL


class Mute(msgspec.Struct, frozen=True, gc=False):
    """A message that gets no answer: a notification, or an answer to a question that nobody asked."""


class Batch(msgspec.Struct, frozen=True):
    """What came as an array; at least one. Where there are more than `items_max`, those beyond are not here."""

    items: Sequence["Call | Stray | Mute"]
    too_large: bool = False


Message = Call | Stray | Mute
Parsed = Message | Batch | RpcError | None

_AS_CALL: Final = msgspec.json.Decoder(Call)
_AS_CALLS: Final = msgspec.json.Decoder(list[Call])
_AS_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_AS_TEXT: Final = msgspec.json.Decoder(str)
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_COMPOUND: Final = frozenset({b"{", b"["})


def parse(body: bytes, items_max: int) -> Parsed:
    """Read a body. None where there is nothing in it."""
    try:
        if body[:1] != b"[":
            return _AS_CALL.decode(body)
        calls = _AS_CALLS.decode(body)
    except _UNREADABLE:
        return _parse_carefully(body, items_max)
    return Batch(calls[:items_max], too_large=len(calls) > items_max) if calls else EMPTY_BATCH


def _parse_carefully(body: bytes, items_max: int) -> Parsed:
    text = body.decode("utf-8", "replace")
    start = _skip_space(text, 0)
    if start == len(text):
        return None
    try:
        if text[start] != "[":
            return _message(text[start : _end_of_value(text, start)])
        return _batch(text, start, items_max)
    except (ValueError, RecursionError):
        return NOT_JSON


def _batch(text: str, start: int, items_max: int) -> Batch | RpcError:
    items: list[Message] = []
    at = _skip_space(text, start + 1)
    if text[at : at + 1] == "]":
        return EMPTY_BATCH
    while True:
        if len(items) == items_max:
            return Batch(items, too_large=True)
        end = _end_of_value(text, at)
        items.append(_message(text[at:end]))
        at = _skip_space(text, end)
        if text[at : at + 1] == "]":
            return Batch(items)
        if text[at : at + 1] != ",":
            raise ValueError("neither comma nor bracket")
        at = _skip_space(text, at + 1)


def _message(text: str) -> Message:
    """Judge one JSON value."""
    members = _members(text)
    identity = bytes(members.get("id", b""))
    method = _text(members.get("method"))
    versioned = _text(members.get("jsonrpc")) == VERSION
    if identity[:1] in _COMPOUND:
        return Stray()
    if not versioned or not method:
        if versioned and identity and _answers_nobody(members):
            return Mute()
        return Stray(identity or NULL)
    params = members.get("params", msgspec.Raw(b""))
    return Call(method, VERSION, msgspec.Raw(identity), params)


def _answers_nobody(members: dict[str, msgspec.Raw]) -> bool:
    return "params" not in members and ("result" in members or bytes(members.get("error", NULL)) != NULL)


def _members(text: str) -> dict[str, msgspec.Raw]:
    """The members of an object by name in lower case, the last of several; none of what is no object."""
    try:
        found = _AS_MEMBERS.decode(text)
    except _UNREADABLE:
        return {}
    return {name.lower(): value for name, value in found.items()}


def _text(value: msgspec.Raw | None) -> str:
    try:
        return "" if value is None else _AS_TEXT.decode(value)
    except _UNREADABLE:
        return ""


def _skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None, "the pattern matches nothing as well"
    return found.end()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_SCANNER: Final = JSONDecoder(parse_constant=_no_constant, parse_int=len, parse_float=len)


def _end_of_value(text: str, start: int) -> int:
    """Where the JSON value that starts here ends.

    Raises:
        ValueError: there is none.
    """
    return _SCANNER.raw_decode(text, start)[1]


# --- answers

_PREFIX: Final = b'{"jsonrpc":"2.0","id":'
_RESULT: Final = b',"result":'
_ERROR: Final = b',"error":'


def result(identity: bytes, value: bytes) -> bytes:
    """An answer; both arguments are JSON."""
    return b"".join((_PREFIX, identity, _RESULT, value, b"}"))


def error(identity: bytes, why: RpcError) -> bytes:
    """An answer that says no."""
    body: dict[str, object] = {"code": why.code, "message": why.message}
    if why.data is not None:
        body["data"] = why.data
    return b"".join((_PREFIX, identity, _ERROR, encode(body), b"}"))


def encode(value: object) -> bytes:
    """JSON as go-ethereum writes it: safe inside HTML."""
    return html_safe(msgspec.json.encode(value))


def html_safe(json: bytes) -> bytes:
    """Escape what means something to HTML or ends a line in JavaScript; in JSON it stands inside strings only."""
    for plain, escaped in _ESCAPES:
        if plain in json:
            json = json.replace(plain, escaped)
    return json


_ESCAPES: Final = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


def identity_of(call: Call) -> bytes:
    """The id as it goes into the answer; empty for a notification."""
    identity = bytes(call.id)
    return identity if identity.isdigit() else html_safe(identity)


def stray_of(call: Call, identity: bytes) -> Stray | None:
    """What a call is that is none: without a method's name, or with an id that is no scalar."""
    if identity[:1] in _COMPOUND:
        return Stray()
    return None if call.method else Stray(identity or NULL)
