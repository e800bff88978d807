"""How much memory may still be asked for, as far as the system tells."""

from pathlib import Path
from typing import Final

_MEMINFO: Final = Path("/proc/meminfo")
_GROUP: Final = Path("/sys/fs/cgroup")


def free_memory(meminfo: Path = _MEMINFO, group: Path = _GROUP) -> int | None:
    """Return the bytes that are free, within the limits of a container; None where nobody tells."""
    known = [count for count in (_available(meminfo), _left_of_group(group)) if count is not None]
    return min(known, default=None)


def _available(meminfo: Path) -> int | None:
    """Return what Linux holds available without swapping."""
    try:
        for line in meminfo.read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "MemAvailable":
                return int(rest.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _left_of_group(group: Path) -> int | None:
    """Return what a container may still take; without a limit the file says `max`."""
    try:
        return max(0, int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    except (OSError, ValueError):
        return None
