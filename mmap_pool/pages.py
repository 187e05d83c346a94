"""Kinds of memory pages, and which kind a mapping really has.

`madvise` answers "yes" to a wish for large pages that the system never grants, so what one got is read from
`/proc/self/smaps`, not from a return code.
"""

import os
import re
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple


class Pages(IntEnum):
    """Best first; an arena that cannot have one kind tries the next."""

    HUGETLB = 0  # from the system's reserve (vm.nr_hugepages)
    TRANSPARENT = 1  # large where the kernel finds room (shmem_enabled must permit it)
    NORMAL = 2


class PageReport(NamedTuple):
    """What a mapping really got.

    Attributes:
        kind: what most of the resident bytes are, by the kernel's account.
        resident_bytes: mapped into this process.
        huge_bytes: the part of it in large pages.
        file_bytes: what the file holds (its `st_blocks`), mapped or not: only this falls when memory is given back.
    """

    kind: Pages
    resident_bytes: int
    huge_bytes: int
    file_bytes: int


_SMAPS: Final = Path("/proc/self/smaps")
_MAPPING: Final = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ (?P<device>\S+) (?P<inode>\d+)")
_FIELD: Final = re.compile(r"^(?P<name>\w+): +(?P<kib>\d+) kB$")
_HUGETLB: Final = ("Shared_Hugetlb", "Private_Hugetlb")
_SWITCHES: Final = Path("/sys/kernel/mm/transparent_hugepage")
_GRANTED: Final = frozenset({"[always]", "[within_size]", "[advise]", "[force]"})


def permits_large(switches: Path = _SWITCHES) -> bool:
    """Tell whether the system grants large pages to a file in memory that asks for them.

    The switch for pages of 2 MiB, where the kernel has one for each size, else the common one.
    """
    for switch in (switches / "hugepages-2048kB/shmem_enabled", switches / "shmem_enabled"):
        words = set(switch.read_text().split()) if switch.exists() else {"[inherit]"}
        if "[inherit]" not in words:
            return bool(words & _GRANTED)
    return False


def report(fd: int) -> PageReport:
    """Look up what the mappings of the file `fd` in this process are made of."""
    status = os.fstat(fd)
    totals = _smaps_totals(_device_text(status.st_dev), status.st_ino)
    hugetlb = sum(totals.get(name, 0) for name in _HUGETLB)
    transparent = totals.get("ShmemPmdMapped", 0)
    resident = totals.get("Rss", 0) + hugetlb
    return PageReport(_kind(resident, hugetlb, transparent), resident, hugetlb + transparent, status.st_blocks * 512)


def _kind(resident: int, hugetlb: int, transparent: int) -> Pages:
    if hugetlb:
        return Pages.HUGETLB
    return Pages.TRANSPARENT if transparent * 2 > resident else Pages.NORMAL


def _device_text(device: int) -> str:
    return f"{os.major(device):02x}:{os.minor(device):02x}"


def _smaps_totals(device: str, inode: int) -> dict[str, int]:
    """Sum each field, in bytes, over the mappings of one file."""
    totals: dict[str, int] = {}
    ours = False
    for line in _SMAPS.read_text(encoding="utf-8", errors="replace").splitlines():
        if mapping := _MAPPING.match(line):
            ours = mapping["device"] == device and int(mapping["inode"]) == inode
        elif ours and (field := _FIELD.match(line)):
            totals[field["name"]] = totals.get(field["name"], 0) + int(field["kib"]) * 1024
    return totals
