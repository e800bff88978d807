"""A scan of a longer log takes longer, but no more memory."""

import sys
from pathlib import Path

import pytest
from bench.machinery.long_log import LongLog

from program import printed

SCAN = """
import sys
from pathlib import Path
from caponier.app.inference.scan import scan_inference
from caponier.engines import spool
from program import peak

# A quarter of what a scan takes, so that it is full, and sorting spills, in a log of 300,000 events already.
spool.SORT_MB = 64
report = scan_inference([Path(sys.argv[1])])
print(report.events, peak())
"""


def megabytes(path: Path, events: int) -> float:
    """Return the most memory that a scan takes."""
    scanned, most = printed(SCAN, LongLog(events, features=16).write(path)).split()
    assert int(scanned) == events
    return float(most)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads how much memory was taken from /proc")
def test_a_log_of_four_times_the_length_takes_no_more_memory(tmp_path: Path) -> None:
    short, long = megabytes(tmp_path / "log.parquet", 300_000), megabytes(tmp_path / "log.parquet", 1_200_000)
    # What the allocator gives back differs by some 40 MB from run to run, however long the log is. Any list of events
    # would hold a hundred bytes and more for each.
    assert (long - short) * 2**20 < 60 * 900_000, (short, long)
