"""How much memory is private to the process: what the interpreter and the C library hold, without the slabs.

The kernel counts anonymous pages (heap, stacks, interpreter arenas) apart from shared ones (the slabs' memfd), and
keeps the count as it goes: reading it costs the same however large the process is.
"""

from pathlib import Path
from typing import Final

STATUS: Final = Path("/proc/self/status")


def heap_bytes(status: Path = STATUS) -> int:
    """Resident anonymous bytes; 0 where the kernel does not say."""
    try:
        text = status.read_bytes()
    except OSError:
        return 0
    _, found, rest = text.partition(b"RssAnon:")
    return int(rest.split(None, 1)[0]) * 1024 if found else 0
