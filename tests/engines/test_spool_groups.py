"""Batches are written to the spool in groups of rows; how they are grouped changes nothing that is read."""

from typing import Any

import pyarrow.parquet as pq
import pytest

from caponier.engines import spool as module
from caponier.engines.spool import Spool, connected, sorted_events
from engines.logs import events, rows


def written(**sizes: int) -> tuple[int, list[dict[str, Any]], list[int]]:
    """Write six batches of different lengths; return the groups, what is read, and the lines of a wrong length."""
    with pytest.MonkeyPatch.context() as patch, Spool() as spool:
        for name, size in sizes.items():
            patch.setattr(module, name, size)
        for n in range(1, 7):
            spool.write(events(rows(n, principal=lambda i: f"user-{i}", input=lambda i: [float(i)] * 2)))
        spool.seal()
        with connected(spool) as connection:
            read = [row for batch in sorted_events(connection, "m", 2, 100) for row in batch.to_pylist()]
        return pq.ParquetFile(spool.file).num_row_groups, read, [one.line for one in spool.wrong_lengths("m", 3)]


def test_small_batches_are_written_together() -> None:
    assert written()[0] == 1
    assert written(GROUP_BYTES=0)[0] == 6


def test_how_they_are_grouped_changes_nothing_that_is_read() -> None:
    _, together, wrong = written()
    assert len(together) == len(wrong) == 21
    for sizes in ({"GROUP_BYTES": 0}, {"GROUP_ROWS": 4}, {"GROUP_BYTES": 300}):
        groups, read, lines = written(**sizes)
        assert groups > 1
        assert (read, lines) == (together, wrong)


def test_where_all_inputs_are_of_one_length_none_is_of_a_wrong_one() -> None:
    with Spool() as spool:
        spool.write(events(rows(3, input=lambda i: None if i == 1 else [0.0, 1.0])))
        spool.seal()
        assert list(spool.wrong_lengths("m", 2)) == []
        assert [one.line for one in spool.wrong_lengths("m", 5)] == [1, 3]
