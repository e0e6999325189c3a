"""CPU time and memory of a process and its descendants, from Linux's `/proc`."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cpu_seconds", "family", "resident_bytes"]

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Positions in /proc/PID/stat after the command's closing bracket.
_CPU_FIELDS = slice(11, 15)  # utime, stime, and the same of children that ended


def family(pid: int) -> list[int]:
    """`pid` and its living descendants."""
    found = [pid]
    for member in found:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            found.extend(int(child) for child in _read(children).split())
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time, user and system, that the family has used so far."""
    ticks = 0
    for member in family(pid):
        fields = _read(Path(f"/proc/{member}/stat")).rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[_CPU_FIELDS])
    return ticks / _TICK


def resident_bytes(pid: int) -> int:
    """Resident memory of the family."""
    pages = 0
    for member in family(pid):
        fields = _read(Path(f"/proc/{member}/statm")).split()
        pages += int(fields[1]) if fields else 0
    return pages * _PAGE


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return ""
