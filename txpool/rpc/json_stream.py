"""A stream of JSON values, one after the other with or without space between: where each of them ends.

What is inside a value is not looked at closer than needed to find its end; whoever reads it judges it.
"""

import re
from collections.abc import Iterator
from typing import Final

_SPACE: Final = b" \t\r\n"
_OPENING: Final = b"{["
_MARK: Final = re.compile(rb'["{}\[\]]')
_QUOTE: Final = re.compile(rb'["\\]')
_LITERAL_END: Final = re.compile(rb'[ \t\r\n{}\[\]",:]')
_LITERAL_START: Final = b"-0123456789tfn"


class JsonStream:
    """Cuts what is fed to it into values. O(n) in all, however the bytes come in.

    Attributes:
        waiting: bytes of the value that is not complete yet.
        garbled: what came last can be the beginning of no value; nothing is cut any more.
    """

    __slots__ = ("_buffer", "_depth", "_quoted", "_seen", "garbled")

    def __init__(self) -> None:
        self.garbled = False
        self._buffer = bytearray()
        self._seen = 0  # up to here the buffer has been looked at
        self._depth = 0
        self._quoted = False

    @property
    def waiting(self) -> int:
        """Bytes of a value that is not complete yet."""
        return len(self._buffer)

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """Take bytes; the values that they complete."""
        if not self._buffer and _is_plain_call(octets):
            yield octets
            return
        self._buffer += octets
        while not self.garbled and (value := self._cut()) is not None:
            yield value

    def _cut(self) -> bytes | None:
        """Take the first value off the buffer, if all of it is there."""
        buffer = self._buffer
        if not self._seen:
            start = len(buffer) - len(buffer.lstrip(_SPACE))
            del buffer[:start]
        if not buffer:
            return None
        end = self._end_of_compound() if buffer[0] in _OPENING else self._end_of_scalar()
        if end is None:
            return None
        value = bytes(buffer[:end])
        del buffer[:end]
        self._seen = 0
        return value

    def _end_of_compound(self) -> int | None:
        """Where the object or array ends; None if that has not come yet. Goes on where the last look ended."""
        buffer, at = self._buffer, self._seen
        while True:
            found = (_QUOTE if self._quoted else _MARK).search(buffer, at)
            if found is None:
                self._seen = len(buffer)
                return None
            at = found.end()
            mark = found.group()
            if mark == b"\\":
                if at == len(buffer):
                    self._seen = at - 1  # what it escapes is yet to come
                    return None
                at += 1
            elif mark == b'"':
                self._quoted = not self._quoted
            else:
                self._depth += 1 if mark in b"{[" else -1
                if not self._depth:
                    return at

    def _end_of_scalar(self) -> int | None:
        """Where a text, number, true, false or null ends: no message, but a value all the same."""
        buffer = self._buffer
        if buffer[0] in b'"':
            self._seen = max(self._seen, 1)
            while found := _QUOTE.search(buffer, self._seen):
                if found.group() == b'"':
                    return found.end()
                if found.end() == len(buffer):
                    self._seen = found.start()
                    return None
                self._seen = found.end() + 1
            self._seen = len(buffer)
            return None
        if buffer[0] not in _LITERAL_START:
            self.garbled = True
            return None
        found = _LITERAL_END.search(buffer, max(self._seen, 1))
        self._seen = len(buffer)
        return None if found is None else found.start()


def _is_plain_call(octets: bytes) -> bool:
    """Whether this is one flat object for sure, as nearly everything that comes is: no need to look closer."""
    return (
        octets[:1] == b"{"
        and octets.rstrip()[-1:] == b"}"
        and octets.count(b"{") == octets.count(b"}") == 1
        and octets.count(b'"') % 2 == 0
        and b"\\" not in octets
    )
