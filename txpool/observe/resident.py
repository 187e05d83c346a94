"""What the process has of the machine's memory, as the kernel counts it.

Anonymous pages (heap, stacks, the interpreter's arenas), shared ones (the slabs' memfd), pages of files (programs,
libraries) and huge ones are counted each for itself, and the counts are kept as pages come and go: reading them takes
some 10 us, however large the process is.
"""

import os
from typing import Final

STATUS: Final = "/proc/self/status"
STATUS_BYTES_MAX: Final = 8192
KIND_ROWS: Final = (b"RssAnon:", b"RssShmem:", b"RssFile:", b"HugetlbPages:")
RESIDENT_KINDS: Final = ("anonymous", "shared", "file", "huge")
_KIB: Final = 1024


def read_status(path: str | os.PathLike[str] = STATUS) -> bytes:
    """What the kernel says of the process; nothing where it does not. Half the price of a file object."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(opened, STATUS_BYTES_MAX)
    finally:
        os.close(opened)


def resident_bytes(status: bytes) -> tuple[int, ...]:
    """Resident bytes by kind, in the order of `RESIDENT_KINDS`, of what `read_status` gave; 0 for a row it lacks."""
    return tuple(_row(status, name) for name in KIND_ROWS)


def heap_bytes(path: str | os.PathLike[str] = STATUS) -> int:
    """Resident anonymous bytes: what the interpreter and the C library hold, without the slabs."""
    return _row(read_status(path), b"RssAnon:")


def held_bytes(path: str | os.PathLike[str] = STATUS) -> int:
    """Resident bytes of heap and slabs, huge pages included, without program files."""
    anonymous, shared, _, huge = resident_bytes(read_status(path))
    return anonymous + shared + huge


def _row(status: bytes, name: bytes) -> int:
    _, found, rest = status.partition(name)
    return int(rest.split(None, 1)[0]) * _KIB if found else 0
