"""Logs of numbered messages that any number of readers share, each at a place of its own.

A log keeps the newest messages, so a slow reader costs nothing: when what it would read next is gone, it is told so.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

HASH_BYTES: Final = 32


class Log(Protocol):
    """Messages numbered from 0 on; the newest are kept."""

    readers: int
    next: int  # number of the message to come

    @property
    def first(self) -> int:
        """The oldest message that is kept."""

    def read(self, start: int, end: int) -> Sequence[bytes]:
        """Messages of these numbers, as JSON; all of them are kept."""


class HashLog:
    """Hashes, 32 bytes each in one piece of memory; they become text when they are read."""

    def __init__(self, capacity: int) -> None:
        self.readers = 0
        self.next = 0
        self._capacity = capacity
        self._memory = bytearray(capacity * HASH_BYTES)

    @property
    def first(self) -> int:
        """The oldest hash that is kept."""
        return max(0, self.next - self._capacity)

    def append(self, digest: bytes) -> None:
        """Add one."""
        at = self.next % self._capacity * HASH_BYTES
        self._memory[at : at + HASH_BYTES] = digest
        self.next += 1

    def read(self, start: int, end: int) -> Sequence[bytes]:
        """Hashes of these numbers, as JSON."""
        return [b'"0x%b"' % self._hex(number) for number in range(start, end)]

    def _hex(self, number: int) -> bytes:
        at = number % self._capacity * HASH_BYTES
        return self._memory[at : at + HASH_BYTES].hex().encode()


class TextLog:
    """Messages of any size, bounded in count and in bytes."""

    def __init__(self, capacity: int, bytes_max: int) -> None:
        self.readers = 0
        self.next = 0
        self.size = 0  # bytes that are kept
        self._capacity = capacity
        self._bytes_max = bytes_max
        self._kept: deque[bytes] = deque()

    @property
    def first(self) -> int:
        """The oldest message that is kept."""
        return self.next - len(self._kept)

    def append(self, message: bytes) -> None:
        """Add one; the oldest go as far as they must. One alone is kept, however large."""
        self._kept.append(message)
        self.next += 1
        self.size += len(message)
        while len(self._kept) > self._capacity or (self.size > self._bytes_max and len(self._kept) > 1):
            self.size -= len(self._kept.popleft())

    def break_off(self) -> None:
        """Leave out a message, so that all who read have missed something."""
        self.forget()
        self.next += 1

    def forget(self) -> None:
        """Keep nothing: nobody reads any more."""
        self._kept.clear()
        self.size = 0

    def read(self, start: int, end: int) -> Sequence[bytes]:
        """Messages of these numbers."""
        first = self.first
        return [self._kept[number - first] for number in range(start, end)]


class LogCursor:
    """A reader's place in a log: from now on, each message once."""

    __slots__ = ("_log", "_next", "_open")

    behind = False  # it finds what it looks at

    def __init__(self, log: Log) -> None:
        self._log = log
        self._next = log.next
        self._open = True
        log.readers += 1

    def take(self, most: int) -> Sequence[bytes] | None:
        """Up to so many messages; None where those that come next are gone."""
        log, start = self._log, self._next
        if start == log.next:
            return ()
        if start < log.first:
            return None
        self._next = min(log.next, start + most)
        return log.read(start, self._next)

    def close(self) -> None:
        """Read no more."""
        if self._open:
            self._open = False
            self._log.readers -= 1
