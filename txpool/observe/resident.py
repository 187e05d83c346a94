"""What the process has of the machine's memory, as the kernel counts it.

Anonymous pages (heap, stacks, the interpreter's arenas), shared ones (the slabs' memfd), pages of files (programs,
libraries) and huge ones are counted each for itself, and the counts are kept as pages come and go: reading them takes
some 10 us, however large the process is.
"""

import os
import weakref
from typing import Final

STATUS: Final = "/proc/self/status"
STATUS_BYTES_MAX: Final = 8192
KIND_ROWS: Final = (b"RssAnon:", b"RssShmem:", b"RssFile:", b"HugetlbPages:")
RESIDENT_KINDS: Final = ("anonymous", "shared", "file", "huge")
_KIB: Final = 1024


class Resident:
    """Reads the counts through one descriptor that stays open, so that they can be had when there is no other left.

    It belongs to the process that opens it, and is closed when nobody holds this any more. Where the kernel tells
    nothing, each reading is None: unknown, not nothing.
    """

    def __init__(self, path: str | os.PathLike[str] = STATUS) -> None:
        """Open it."""
        self._opened: int | None = None
        try:
            self._opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        weakref.finalize(self, os.close, self._opened)

    def kinds(self) -> tuple[int, ...] | None:
        """Resident bytes by kind, in the order of `RESIDENT_KINDS`; 0 for a kind that this kernel does not have."""
        status = self._read()
        return tuple(_row(status, name) for name in KIND_ROWS) if KIND_ROWS[0] in status else None

    def held(self) -> int | None:
        """Resident bytes of heap and slabs, huge pages included, without program files."""
        kinds = self.kinds()
        if kinds is None:
            return None
        anonymous, shared, _, huge = kinds
        return anonymous + shared + huge

    def _read(self) -> bytes:
        if self._opened is None:
            return b""
        try:
            return os.pread(self._opened, STATUS_BYTES_MAX, 0)
        except OSError:
            return b""


def _row(status: bytes, name: bytes) -> int:
    _, found, rest = status.partition(name)
    return int(rest.split(None, 1)[0]) * _KIB if found else 0
