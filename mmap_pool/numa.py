"""On which memory node a mapping's pages lie: asking for one, and looking up what came of it.

The policy is `MPOL_PREFERRED`: pages come from that node while it has any, then from others. `MPOL_BIND` would be
stricter and worse. When the node is full, the kernel kills a process rather than take a page from its neighbour, and
large pages of the system's reserve are set aside without a look at nodes, so a bound mapping may fault where there are
none: SIGBUS. A slow page is better than a dead pool.

The C library has no wrapper for mbind(2), so the system call is made by number. What it did is read from
`/proc/self/numa_maps`.
"""

import ctypes
import errno
import mmap
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

NODES: Final = Path("/sys/devices/system/node")
CPUS: Final = Path("/sys/devices/system/cpu")
NUMA_MAPS: Final = Path("/proc/self/numa_maps")

_MBIND: Final[Mapping[str, int]] = MappingProxyType({"x86_64": 237, "aarch64": 235})
_MPOL_PREFERRED: Final = 1
_NODES_MAX: Final = 1024
_WORD_BITS: Final = 8 * ctypes.sizeof(ctypes.c_ulong)
_PREFERRED: Final = re.compile(r"prefer(?:=static|=relative)?:(\d+)")


class Placement(NamedTuple):
    """What the kernel says of a mapping.

    Attributes:
        policy: as numa_maps has it, `default` or `prefer:0`.
        pages: how many there are, by node.
    """

    policy: str
    pages: Mapping[int, int]

    @property
    def preferred(self) -> int | None:
        """The node that pages come from while it has any."""
        found = _PREFERRED.fullmatch(self.policy)
        return int(found[1]) if found else None


def nodes(folder: Path = NODES) -> tuple[int, ...]:
    """List the memory nodes; one, 0, where the system knows of none."""
    try:
        return parse_list((folder / "has_memory").read_text())
    except OSError:
        return (0,)


def node_of(cpu: int, folder: Path = CPUS) -> int:
    """Tell to which node a processor belongs; 0 where the system knows of none."""
    found = [int(entry.name[4:]) for entry in (folder / f"cpu{cpu}").glob("node[0-9]*")]
    return found[0] if found else 0


def current_node() -> int:
    """Tell on which node this thread runs at the moment."""
    return node_of(max(ctypes.CDLL(None).sched_getcpu(), 0))


def prefer(memory: mmap.mmap, node: int) -> None:
    """Have pages of a mapping that are not there yet come from `node` while it has any.

    Raises:
        OSError: ENOSYS, the kernel knows no nodes; EPERM, a sandbox forbids it; EINVAL, there is no such node.
    """
    number = _MBIND.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, f"the number of mbind is not known for {platform.machine()}")
    if not 0 <= node < _NODES_MAX:
        raise OSError(errno.EINVAL, f"there is no memory node {node}")
    mask = (ctypes.c_ulong * (_NODES_MAX // _WORD_BITS))()
    mask[node // _WORD_BITS] = 1 << node % _WORD_BITS
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long
    long, size = ctypes.c_long, ctypes.c_size_t
    # The kernel reads one bit less than it is told.
    answer = syscall(
        long(number), size(address_of(memory)), size(len(memory)), long(_MPOL_PREFERRED), mask, size(_NODES_MAX + 1), 0
    )
    if answer:
        code = ctypes.get_errno()
        raise OSError(code, f"mbind: {os.strerror(code)}")


def placement(memory: mmap.mmap, numa_maps: Path = NUMA_MAPS) -> Placement | None:
    """Look up a mapping's policy and pages; None when the kernel does not say. Milliseconds for a large mapping."""
    wanted = f"{address_of(memory):x}"
    try:
        lines = numa_maps.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        start, policy, *facts = line.split()
        if start.lstrip("0") == wanted:
            pages = dict(re.findall(r"^N(\d+)=(\d+)$", "\n".join(facts), re.MULTILINE))
            return Placement(policy, {int(node): int(count) for node, count in pages.items()})
    return None


def address_of(memory: mmap.mmap) -> int:
    """Where a mapping begins."""
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def parse_list(text: str) -> tuple[int, ...]:
    """Read a list as the kernel writes it: `0-1,4`."""
    numbers: list[int] = []
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return tuple(numbers)
