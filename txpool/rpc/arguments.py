"""Arguments of the methods: from JSON to values, refused in go-ethereum's words.

A reader takes one decoded JSON value and returns what it stands for, or a `Fault`. Null is a value to it: only an
argument that may be left out may also be null.
"""

import json
import re
import sys
from binascii import Error as BadHex
from binascii import unhexlify
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from txpool.rpc.errors import NON_ARRAY, RpcError, invalid_argument, missing_argument, too_many_arguments

UINT64_BITS: Final = 64
BLOCK_NUMBER_MAX: Final = 2**63 - 1
TAGS: Final = frozenset({"latest", "pending", "earliest", "safe", "finalized"})
HASH_TEXT_LENGTH: Final = 66
DIGITS_MAX: Final = 4300  # of a decimal integer; Python refuses more
FLOAT_MAX: Final = sys.float_info.max

BlockId = int | str | bytes  # a number, a tag, or a hash


class Fault(msgspec.Struct, frozen=True, gc=False):
    """Why a value is not what the method wants."""

    why: str


Reader = Callable[[Any], Any]  # from decoded JSON, which may be anything, to what the method takes, or a Fault

_NO_PREFIX: Final = "hex string without 0x prefix"
_ODD: Final = "hex string of odd length"
_BAD_DIGIT: Final = "invalid hex string"


def _go(why: str, go_type: str) -> Fault:
    return Fault(f"json: cannot unmarshal {why} into Go value of type {go_type}")


# --- the list of arguments


class Parameters:
    """What a method takes: a reader for each argument; those from `required` on may be left out or null."""

    __slots__ = ("_readers", "_required")

    def __init__(self, *readers: Reader, required: int | None = None) -> None:
        self._readers = readers
        self._required = len(readers) if required is None else required

    def read(self, params: bytes) -> list[Any] | RpcError:
        """Read the member `params` as it stood in the call; empty when it was left out."""
        values = _values(params) if params else []
        if values is None:
            return NON_ARRAY
        read: list[Any] = []
        for index, value in enumerate(values):
            if index == len(self._readers):
                return too_many_arguments(index)
            if value is None and index >= self._required:
                read.append(None)
                continue
            argument = self._readers[index](value)
            if isinstance(argument, Fault):
                return invalid_argument(index, argument.why)
            read.append(argument)
        if len(read) < self._required:
            return missing_argument(len(read))
        return read + [None] * (len(self._readers) - len(read))


def _values(params: bytes) -> list[Any] | None:
    try:
        try:
            values = msgspec.json.decode(params)
        except (msgspec.DecodeError, UnicodeDecodeError):
            values = _repaired(params)
    except (ValueError, RecursionError):
        return None
    if values is None:
        return []
    return values if isinstance(values, list) else None


def _repaired(params: bytes) -> Any:  # noqa: ANN401 - as JSON has it
    """Read what msgspec does not: bad UTF-8, which Go repairs, and numbers of any length."""
    return json.loads(params.decode("utf-8", "replace"), parse_int=_whole)


def _whole(digits: str) -> float:
    """An integer; infinite if it has more digits than Python reads in bearable time."""
    return int(digits) if len(digits) <= DIGITS_MAX else float(digits)


# --- bytes


def byte_string(value: object) -> bytes | Fault:
    """Bytes of any length in hex; the empty string is empty bytes."""
    return _hex(value, "hexutil.Bytes")


def address(value: object) -> bytes | Fault:
    """20 bytes."""
    return _fixed(value, 20, "common.Address")


def hash32(value: object) -> bytes | Fault:
    """32 bytes."""
    return _fixed(value, 32, "common.Hash")


def _hex(value: object, go_type: str) -> bytes | Fault:
    if not isinstance(value, str):
        return _go("non-string", go_type)
    if not value:
        return b""
    if value[:2] not in {"0x", "0X"}:
        return _go(_NO_PREFIX, go_type)
    if len(value) % 2:
        return _go(_ODD, go_type)
    try:
        return unhexlify(value[2:])
    except ValueError:  # digits of another alphabet, or none
        return _go(_BAD_DIGIT, go_type)


def _fixed(value: object, size: int, go_type: str) -> bytes | Fault:
    if isinstance(value, str) and (value[:2] in {"0x", "0X"} or not value) and len(value) % 2 == 0:
        digits = len(value[2:])
        if digits != 2 * size:
            return Fault(f"hex string has length {digits}, want {2 * size} for {go_type}")
    return _hex(value, go_type)


def slot(value: object) -> bytes | Fault:
    """A storage slot: up to 32 bytes in hex, the prefix and a leading zero may be missing; padded on the left."""
    if not isinstance(value, str):
        return _go(_kind(value), "string")
    digits = value[2:] if value[:2] in {"0x", "0X"} else value
    if len(digits) > 64:
        return Fault(f"hex string too long, want at most 32 bytes, have {(len(digits) + 1) // 2}")
    try:
        return unhexlify(digits.rjust(64, "0"))
    except ValueError:
        return Fault("hex string invalid")


def raw_transaction(params: bytes) -> bytes | None:
    """The one argument of `eth_sendRawTransaction`, where it is written as everybody writes it; else None."""
    if params[:4] == b'["0x' and params[-2:] == b'"]':
        try:
            return unhexlify(params[4:-2])
        except BadHex:
            return None
    return None


# --- numbers


def _number(value: object, go_type: str, bits: int) -> int | Fault:
    if not isinstance(value, str):
        return _go("non-string", go_type)
    found = _quantity(value, bits)
    return _go(found.why, go_type) if isinstance(found, Fault) else found


def _quantity(text: str, bits: int) -> int | Fault:
    """Read a hex number without leading zeros, as go-ethereum's `hexutil` does."""
    if not text:
        return Fault("empty hex string")
    if text[:2] not in {"0x", "0X"}:
        return Fault(_NO_PREFIX)
    digits = text[2:]
    if not digits:
        return Fault('hex string "0x"')
    if len(digits) > 1 and digits[0] == "0":
        return Fault("hex number with leading zero digits")
    if not _HEX_DIGITS.fullmatch(digits):
        return Fault(_BAD_DIGIT)
    if len(digits) > bits // 4:
        return Fault(f"hex number > {bits} bits")
    return int(digits, 16)


_HEX_DIGITS: Final = re.compile(r"[0-9a-fA-F]+")


def uint64(value: object) -> int | Fault:
    """A quantity of up to 64 bits."""
    return _number(value, "hexutil.Uint64", UINT64_BITS)


def big(value: object) -> int | Fault:
    """A quantity of up to 256 bits."""
    return _number(value, "*hexutil.Big", 256)


def hex_or_decimal(value: object) -> int | Fault:
    """A number of up to 64 bits, written in hex or decimal, as text or as a number."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**UINT64_BITS:
        return value
    if isinstance(value, str):
        read = _quantity(value, UINT64_BITS) if value[:2] in {"0x", "0X"} else _decimal(value)
        if isinstance(read, int):
            return read
        return Fault(f'invalid hex or decimal integer "{value}"')
    return _go(_kind(value), "math.HexOrDecimal64")


def _decimal(text: str) -> int | None:
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        return None
    number = int(text)
    return number if number < 2**UINT64_BITS else None


def plain_uint64(value: object) -> int | Fault:
    """A JSON number of up to 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _go(_kind(value), "uint64")
    if isinstance(value, int) and 0 <= value < 2**UINT64_BITS:
        return value
    return _go("number" if _is_infinite(value) else f"number {msgspec.json.encode(value).decode()}", "uint64")


def small_count(value: object) -> int | Fault:
    """A count, as a JSON number or as a quantity."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else Fault("a count is not negative")
    return uint64(value)


def percentiles(value: object) -> list[float] | Fault:
    """A list of numbers."""
    if value is None:
        return []
    if not isinstance(value, list):
        return _go(_kind(value), "[]float64")
    read = [_float(each) for each in value]
    return next((each for each in read if isinstance(each, Fault)), None) or [
        each for each in read if not isinstance(each, Fault)
    ]


def _float(value: object) -> float | Fault:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _go(_kind(value), "float64")
    return _go("number", "float64") if _is_infinite(value) else float(value)


def _is_infinite(number: float) -> bool:
    """Whether a number as JSON has it, an integer included, is greater than any float."""
    return abs(number) > FLOAT_MAX


# --- blocks


def block_number(value: object) -> BlockId | Fault:
    """A tag or a number."""
    text = value if isinstance(value, str) else ""
    if text in TAGS:
        return text
    if not isinstance(value, str):
        return Fault(_NO_PREFIX)
    return _block_height(text, "block number larger than int64")


def block(value: object) -> BlockId | Fault:
    """A tag, a number, a hash, or an object that holds one of the latter two."""
    if value is None or isinstance(value, dict):
        return _block_object(value or {})
    if not isinstance(value, str):
        return _go(_kind(value), "string")
    if value in TAGS:
        return value
    if len(value) == HASH_TEXT_LENGTH:
        found = _hex(value, "common.Hash")
        return Fault(_bare(found)) if isinstance(found, Fault) else found
    return _block_height(value, "blocknumber too high")


def _block_height(text: str, too_high: str) -> int | Fault:
    number = _quantity(text, UINT64_BITS)
    if isinstance(number, int) and number > BLOCK_NUMBER_MAX:
        return Fault(too_high)
    return number


def _block_object(given: dict[str, Any]) -> BlockId | Fault:
    number, block_hash = given.get("blockNumber"), given.get("blockHash")
    if number is not None and block_hash is not None:
        return Fault("cannot specify both BlockHash and BlockNumber, choose one or the other")
    if number is not None:
        found: BlockId | Fault = block_number(number)
    elif block_hash is not None:
        found = hash32(block_hash)
    else:
        return Fault("invalid arguments; neither block nor hash specified")
    return _go("object", "string") if isinstance(found, Fault) else found


def _bare(fault: Fault) -> str:
    return fault.why.removeprefix("json: cannot unmarshal ").partition(" into Go value")[0]


# --- others


def boolean(value: object) -> bool | Fault:
    """True or false; null is false."""
    if value is None:
        return False
    return value if isinstance(value, bool) else _go(_kind(value), "bool")


def rpc_id(value: object) -> str | Fault:
    """The id of a subscription or a filter; null is the empty one."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _go(_kind(value), "rpc.ID")


def members(value: object) -> dict[str, Any] | Fault:
    """An object, null for an empty one; which members count is for the method to say."""
    if value is None:
        return {}
    return value if isinstance(value, dict) else _go(_kind(value), "ethapi.TransactionArgs")


def _kind(value: object) -> str:
    """How Go names the kind of a JSON value."""
    if isinstance(value, bool):
        return "bool"
    kinds: Sequence[tuple[type, str]] = ((str, "string"), (dict, "object"), (list, "array"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "number")
