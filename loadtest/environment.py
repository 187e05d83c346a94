"""On what a run ran: without it a figure says nothing."""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Final

import psutil

from loadtest.rpc import RpcFailedError, call
from loadtest.target import Target

_GOVERNOR: Final = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_TRANSPARENT: Final = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_SHARED: Final = Path("/sys/kernel/mm/transparent_hugepage/shmem_enabled")


def environment(control: Target | None) -> dict[str, object]:
    """Machine, interpreter, server."""
    return {
        "commit": _commit(),
        "server": client_version(control),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "governor": _read(_GOVERNOR),
        "memory_bytes": psutil.virtual_memory().total,
        "huge_pages_free": _huge_pages_free(),
        "transparent_huge_pages": _read(_TRANSPARENT),
        "shared_huge_pages": _read(_SHARED),
        "load_average": list(os.getloadavg()),
        "cpu_pressure": _read(Path("/proc/pressure/cpu")),
        "steal_seconds": getattr(psutil.cpu_times(), "steal", 0.0),
        "argv": sys.argv[1:],
    }


def client_version(control: Target | None) -> str | None:
    """What the server calls itself."""
    if control is None:
        return None
    try:
        return str(call(control, "web3_clientVersion"))
    except RpcFailedError:
        return None


def _commit() -> str | None:
    """The commit of the tree that this file is part of, with a + where files differ from it."""
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    except (OSError, subprocess.CalledProcessError):
        return None
    return told.stdout.strip()


def _processor() -> str | None:
    rows = (_read(Path("/proc/cpuinfo")) or "").splitlines()
    return next((row.partition(":")[2].strip() for row in rows if row.startswith("model name")), None)


def _huge_pages_free() -> int | None:
    rows = (_read(Path("/proc/meminfo")) or "").splitlines()
    return next((int(row.split()[1]) for row in rows if row.startswith("HugePages_Free")), None)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
