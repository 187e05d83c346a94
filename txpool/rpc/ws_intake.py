"""What a WebSocket peer has sent of a frame that has not ended: picows keeps it, and shows whole frames only."""

import ctypes
import mmap
from typing import Final, Protocol

KEPT_BYTES: Final = 262_144  # of picows' buffer, that a connection may keep between long frames
_MADVISE: Final = ctypes.CDLL(None).madvise


class Frames(Protocol):
    """The protocol that cuts bytes into frames: picows' own."""

    def get_buffer(self, hint: int) -> memoryview:
        """Where the bytes to come go."""

    def buffer_updated(self, size: int) -> None:
        """So many have come."""

    def eof_received(self) -> bool | None:
        """No more will come."""

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""

    def pause_writing(self) -> None:
        """The peer takes nothing."""

    def resume_writing(self) -> None:
        """It takes again."""


class Reader(Protocol):
    """A connection that is told what its peer does beneath the frames."""

    coming: int  # bytes behind the last frame that has ended; it sets them with each frame that it is shown

    def look(self) -> None:
        """Bytes came, and the frames in them were shown."""

    def ended(self) -> None:
        """The peer sends no more."""


class Intake:
    """Stands between the transport and picows, to count what is half read. All else passes through."""

    def __init__(self, frames: Frames, reader: Reader) -> None:
        self.get_buffer = frames.get_buffer
        self.connection_lost = frames.connection_lost
        self.pause_writing = frames.pause_writing
        self.resume_writing = frames.resume_writing
        self._frames = frames
        self._updated = frames.buffer_updated
        self._reader = reader
        self._longest = 0  # bytes that picows' buffer has held

    def buffer_updated(self, size: int) -> None:
        """Have the frames shown that have ended now; see to the rest."""
        reader = self._reader
        coming = reader.coming = reader.coming + size
        self._updated(size)
        self._longest = max(self._longest, coming)
        if self._longest > KEPT_BYTES and reader.coming < coming:
            self._longest = reader.coming
            give_back(self.get_buffer(-1))
        reader.look()

    def eof_received(self) -> bool | None:
        """Tell both."""
        self._reader.ended()
        return self._frames.eof_received()


def give_back(spare: memoryview) -> None:
    """Have the system take back whole pages of memory whose content nobody needs; later they are zeros."""
    start = ctypes.addressof(ctypes.c_char.from_buffer(spare))
    first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
    whole = (start + spare.nbytes - first) // mmap.PAGESIZE * mmap.PAGESIZE
    if whole > 0:
        _MADVISE(ctypes.c_void_p(first), ctypes.c_size_t(whole), mmap.MADV_DONTNEED)
