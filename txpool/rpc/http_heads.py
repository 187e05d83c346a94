"""Heads of requests that were read before: they are not parsed again."""

from typing import Final

import msgspec

HEADS_MAX: Final = 1024
HEAD_BYTES_KEPT_MAX: Final = 1024


class Head(msgspec.Struct, frozen=True, gc=False):
    """What the line and the headers of a request say, where nothing about them is special."""

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    body_bytes: int
    takes_chunks: bool


class Heads:
    """Heads read before, by their bytes: clients send the same ones again and again, and the same bytes say the same.

    Bounded: when full, it begins anew.
    """

    __slots__ = ("_known", "get")

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}
        self.get = self._known.get

    def keep(self, text: bytes, head: Head) -> None:
        """Remember one."""
        if len(text) <= HEAD_BYTES_KEPT_MAX:
            if len(self._known) >= HEADS_MAX:
                self._known.clear()
            self._known[text] = head
