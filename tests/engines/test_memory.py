"""A scan of a longer log takes longer, but no more memory."""

import subprocess
import sys
from pathlib import Path

import pytest
from bench.machinery.long_log import LongLog

SCAN = """
import re, sys
from pathlib import Path
from caponier.app.inference.scan import scan_inference
from caponier.engines import spool

# A quarter of what a scan takes, so that it is full, and sorting spills, in a log of 200,000 events already.
spool.SORT_MB = 64
report = scan_inference([Path(sys.argv[1])])
# What getrusage tells begins with the most that the process had that started this one.
print(report.events, re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def peak(path: Path, events: int) -> int:
    """Return the most memory that a scan takes, in kB."""
    log = LongLog(events, features=16).write(path)
    scan = subprocess.run([sys.executable, "-c", SCAN, str(log)], capture_output=True, text=True, check=True)
    scanned, most = map(int, scan.stdout.split())
    assert scanned == events
    return most


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads how much memory was taken from /proc")
def test_a_log_of_four_times_the_length_takes_no_more_memory(tmp_path: Path) -> None:
    # What the allocator gives back in between differs by some 50 MB from run to run; growth would be in every run.
    short = max(peak(tmp_path / "log.parquet", 200_000) for _ in range(2))
    long = min(peak(tmp_path / "log.parquet", 800_000) for _ in range(2))
    # 8 percent are some 40 bytes for each further event: less than any list of events would hold.
    assert long < 1.08 * short
