"""Resident memory of a process, what it shares with others counted in part."""

from pathlib import Path


def proportional_bytes(pid: int | str = "self") -> int:
    """Proportional set size and huge pages of a process. Walks its mappings: milliseconds."""
    rows = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(rows[name].split()[0]) for name in ("Pss", "Private_Hugetlb", "Shared_Hugetlb")) * 1024
