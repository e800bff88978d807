"""Programs of a few lines that run in a process of their own, where what they hold is theirs alone."""

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

STATUS: Final = Path("/proc/self/status")


def printed(code: str, *arguments: object) -> str:
    """Run a program that finds what the tests find, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert not done.returncode, done.stderr
    return done.stdout


def peak() -> float:
    """Return the most that this process has held at a time, in megabytes (2**20 bytes)."""
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1_024
    # Of no use on Linux, where it begins with the most that the process had held which started this program.
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / (1_024**2 if sys.platform == "darwin" else 1_024)
