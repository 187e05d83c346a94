"""A careful RLP reader that refuses where go-ethereum's stream does, in its order and its words.

A type is described by a `Decoder`: a function that takes the next value off a `Stream`. Only bytes that the fast reader
in `tx.py` does not take come here, so this is written to be right, not quick.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from txpool.core.quick_rlp import Irregular, QuickReader

MASK: Final = 2**64 - 1  # sizes are Go's uint64: they wrap

ELEMENT_TOO_LARGE: Final = "rlp: element is larger than containing list"
VALUE_TOO_LARGE: Final = "rlp: value size exceeds available input length"
MORE_THAN_ONE: Final = "rlp: input contains more than one value"
SIZE_NOT_CANONICAL: Final = "non-canonical size information"
INT_NOT_CANONICAL: Final = "non-canonical integer (leading zero bytes)"
EXPECTED_LIST: Final = "expected input list"
EXPECTED_STRING: Final = "expected input string or byte"
TOO_LONG: Final = "input string too long"
TOO_SHORT: Final = "input string too short"
TOO_MANY: Final = "input list has too many elements"
TOO_FEW: Final = "too few elements"
EMPTY_LIST: Final = "wrong kind of empty value (got List, want String)"
UINT256_TOO_LARGE: Final = "rlp: value too large for uint256"

# What a decoder gives. A list's elements are as its quick reader gives them: in a valid list it reads them all.
Value: TypeAlias = object


class DecodeError(Exception):
    """The input is refused; `str()` is geth's sentence."""


class FieldError(DecodeError):
    """A fault of one value; on the way out each struct and list adds where it was."""

    def __init__(self, message: str, type_name: str) -> None:
        super().__init__(message)
        self.message = message
        self.type_name = type_name
        self.path: list[str] = []

    def __str__(self) -> str:
        where = f", decoding into {''.join(reversed(self.path))}" if self.path else ""
        return f"rlp: {self.message} for {self.type_name}{where}"


class UnnamedError(Exception):
    """A fault of a value whose reader has yet to say which type it wanted."""


class EndOfListError(Exception):
    """The list has no further element."""


class Stream:
    """One pass over the input, with the lists that are open on a stack.

    A value's header is read by `kind` and kept until its content is taken. `_left` holds, for each open list, the
    bytes that are still unread. An inner list takes its size off the outer one when it opens, and as in geth that may
    wrap below zero: then nothing closes the outer list any more.
    """

    BYTE: Final = 0
    STRING: Final = 1
    LIST: Final = 2

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._pos = 0
        self._left: list[int] = []
        self._ahead: tuple[int, int] | None = None

    @property
    def exhausted(self) -> bool:
        """Nothing is left unread."""
        return self._pos == len(self._raw)

    def kind(self) -> tuple[int, int]:
        """Say what comes next, and its size; for a byte that stands for itself, its value."""
        if self._ahead is None:
            self._ahead = self._read_kind()
        return self._ahead

    def _read_kind(self) -> tuple[int, int]:
        left = self._left[-1] if self._left else None
        if left == 0:
            raise EndOfListError
        first = self.take(1)[0]
        if first < 0x80:
            return self.BYTE, first
        kind, base = (self.STRING, 0x80) if first < 0xC0 else (self.LIST, 0xC0)
        size = first - base
        if size > 55:
            size = self._read_size(size - 55)
        if left is not None and size > left:
            raise DecodeError(ELEMENT_TOO_LARGE)
        if size > len(self._raw) - self._pos:
            raise DecodeError(VALUE_TOO_LARGE)
        return kind, size

    def _read_size(self, width: int) -> int:
        digits = self.take(width)
        size = int.from_bytes(digits, "big")
        if digits[0] == 0 or size < 56:
            raise UnnamedError(SIZE_NOT_CANONICAL)
        return size

    def take(self, size: int) -> bytes:
        """Take bytes off the input and off the innermost list."""
        self._ahead = None
        if self._left:
            if size > self._left[-1]:
                raise DecodeError(ELEMENT_TOO_LARGE)
            self._left[-1] -= size
        end = self._pos + size
        if end > len(self._raw):
            raise DecodeError(VALUE_TOO_LARGE)
        text = self._raw[self._pos : end]
        self._pos = end
        return text

    def string(self) -> bytes:
        """Take the next value, which must be a string in its shortest form."""
        kind, size = self.kind()
        if kind == self.LIST:
            raise UnnamedError(EXPECTED_STRING)
        if kind == self.BYTE:
            self._ahead = None
            return bytes((size,))
        text = self.take(size)
        if size == 1 and text[0] < 0x80:
            raise UnnamedError(SIZE_NOT_CANONICAL)
        return text

    def open_list(self) -> None:
        """Step into the next value, which must be a list."""
        kind, size = self.kind()
        if kind != self.LIST:
            raise UnnamedError(EXPECTED_LIST)
        if self._left:
            self._left[-1] = (self._left[-1] - size) & MASK
        self._left.append(size)
        self._ahead = None

    def skim(self, quick: QuickReader[Value]) -> list[Value]:
        """Take the regular elements that come next in the innermost list."""
        pos, values = self._pos, []
        limit = min(pos + self._left[-1], len(self._raw))
        try:
            while pos < limit:
                value, end = quick(self._raw, pos)
                if end > limit:
                    break
                values.append(value)
                pos = end
        except (Irregular, IndexError):
            pass
        self._left[-1] -= pos - self._pos
        self._pos = pos
        return values

    def close_list(self) -> None:
        """Step out of the innermost list, which must be read to its end."""
        if self._left[-1]:
            raise UnnamedError(TOO_MANY)
        self._left.pop()
        self._ahead = None


Decoder: TypeAlias = Callable[[Stream], Value]


def named(type_name: str, decoder: Decoder) -> Decoder:
    """Put the name of the type that was wanted to the decoder's own faults."""

    def read(stream: Stream) -> Value:
        try:
            return decoder(stream)
        except UnnamedError as fault:
            raise FieldError(str(fault), type_name) from None

    return read


def _integer(stream: Stream, width: int | None, too_wide: Callable[[], Exception]) -> Value:
    kind, size = stream.kind()
    if width is not None and kind == Stream.STRING and size > width:
        raise too_wide()
    text = stream.string()
    if text[:1] == b"\0":
        raise UnnamedError(INT_NOT_CANONICAL)
    return int.from_bytes(text, "big")


def uint(bits: int) -> Decoder:
    """Read an unsigned integer of so many bits."""
    return named(f"uint{bits}", lambda stream: _integer(stream, bits // 8, lambda: UnnamedError(TOO_LONG)))


big_int: Final = named("*big.Int", lambda stream: _integer(stream, None, AssertionError))
uint256: Final = named("*uint256.Int", lambda stream: _integer(stream, 32, lambda: DecodeError(UINT256_TOO_LARGE)))
byte_slice: Final = named("[]uint8", Stream.string)


def byte_array(size: int, type_name: str) -> Decoder:
    """Read a byte string of just that length."""

    def read(stream: Stream) -> Value:
        try:
            kind, found = stream.kind()
        except UnnamedError as fault:
            raise DecodeError(f"rlp: {fault}") from None  # here geth does not name the type
        found = 1 if kind == Stream.BYTE else found
        if kind == Stream.LIST:
            raise FieldError(EXPECTED_STRING, type_name)
        if found != size:
            raise FieldError(TOO_LONG if found > size else TOO_SHORT, type_name)
        return stream.string()

    return read


def optional(decoder: Decoder, type_name: str) -> Decoder:
    """Read a value, or None for the empty string."""

    def read(stream: Stream) -> Value:
        kind, size = stream.kind()
        if kind == Stream.BYTE or size:
            return decoder(stream)
        if kind == Stream.LIST:
            raise UnnamedError(EMPTY_LIST)
        stream.string()
        return None

    return named(type_name, read)


def list_of(element: Decoder, type_name: str, quick: QuickReader[Value]) -> Decoder:
    """Read a list of any number of equal elements.

    Runs of regular ones are left to a quick reader, so that a long list with a fault at its end costs no more than one
    without.
    """

    def read(stream: Stream) -> Value:
        stream.open_list()
        values: list[Value] = []
        while True:
            values += stream.skim(quick)
            try:
                values.append(element(stream))
            except EndOfListError:
                break
            except FieldError as fault:
                fault.path.append(f"[{len(values)}]")
                raise
        stream.close_list()
        return values

    return named(type_name, read)


def struct(type_name: str, fields: Sequence[tuple[str, Decoder]]) -> Decoder:
    """Read a list with one element for each field."""

    def read(stream: Stream) -> Value:
        stream.open_list()
        values = [_field(stream, name, decoder) for name, decoder in fields]
        stream.close_list()
        return values

    return named(type_name, read)


def _field(stream: Stream, name: str, decoder: Decoder) -> Value:
    try:
        return decoder(stream)
    except EndOfListError:
        raise UnnamedError(TOO_FEW) from None
    except FieldError as fault:
        fault.path.append(f".{name}")
        raise


def read_value(raw: bytes, type_name: str, decoder: Decoder) -> Value:
    """Read the one value that the bytes must be.

    Raises:
        DecodeError: they are not; its text is geth's.
    """
    stream = Stream(raw)
    try:
        value = decoder(stream)
    except FieldError as fault:
        if fault.path:
            fault.path.append(f"({type_name})")
        raise
    if not stream.exhausted:
        raise DecodeError(MORE_THAN_ONE)
    return value
