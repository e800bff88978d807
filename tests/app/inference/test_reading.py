"""Logs that are read each by itself, as a cluster does, give what reading them one after the other gives."""

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.app.inference.read_options import ReadOptions
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.engines.local import LOCAL, Engine, scan
from caponier.engines.spool import Spool
from caponier.errors import InputError
from caponier.telemetry.rejections import RejectedRows
from engines.spark.odd_log import odd_log

NATIVE = ReadOptions(reader="events")


def elsewhere(do: Callable[[Any], Any], things: Sequence[Any]) -> list[Any]:
    """Do it as a cluster might: the last first, the first twice, and all that comes back by pickle."""
    done = {at: pickle.dumps(do(things[at])) for at in [*reversed(range(len(things))), 0]}
    return [pickle.loads(done[at]) for at in range(len(things))]


APART = Engine(scan, elsewhere)


def scanned(log: Path, engine: Engine, out: Path, **options: Any) -> tuple[ScanReport, bytes]:
    with RejectedRows(out) as rejected:
        report = scan_inference([log], rejected=rejected, options=NATIVE, engine=engine, **options)
    return report, out.read_bytes() if out.exists() else b""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two logs with whatever may be odd, one with nothing, one that is broken, and one of them as Parquet."""
    folder = odd_log(tmp_path / "logs")
    (folder / "0-empty.jsonl").write_bytes(b"")
    (folder / "c-broken.parquet").write_bytes(b"PAR1, or so it says")
    rows = [
        {"time": 1_750_000_000_000 + at, "model": "m", "operation": "predict", "principal": "z"} for at in range(50)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "d.parquet")
    return folder


def test_it_finds_and_rejects_the_same(log: Path, tmp_path: Path) -> None:
    whole, rejected = scanned(log, LOCAL, tmp_path / "whole.jsonl")
    apart, rejected_apart = scanned(log, APART, tmp_path / "apart.jsonl")
    assert whole.findings
    assert apart.findings == whole.findings
    assert (apart.skipped, apart.notes, apart.events) == (whole.skipped, whole.notes, whole.events)
    assert rejected
    assert rejected_apart == rejected


def test_only_logs_in_the_event_schema_are_read_apart(log: Path) -> None:
    def never(do: Callable[[Any], Any], things: Sequence[Any]) -> list[Any]:
        raise AssertionError(f"{things} may need one another")

    assert scan_inference([log], engine=Engine(scan, never)).events


def test_a_log_that_cannot_be_read_is_told_by_the_name_that_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "twice.parquet").mkdir()
    odd_log(tmp_path / "logs")
    with pytest.raises(InputError) as whole:
        scan_inference([Path("logs"), Path("missing.jsonl")], options=NATIVE)
    with pytest.raises(InputError) as apart:
        scan_inference([Path("logs"), Path("missing.jsonl")], options=NATIVE, engine=APART)
    assert str(apart.value) == str(whole.value)


def test_it_leaves_nothing_behind(log: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    scanned(log, APART, tmp_path / "r.jsonl", shared=tmp_path / "shared")
    assert not list((tmp_path / "shared").iterdir())


def test_a_shared_folder_that_is_not_there_is_told(log: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: no folder can be made there"):
        scan_inference([log], shared=tmp_path / "nowhere")


def test_a_part_that_is_written_twice_is_read_once(tmp_path: Path) -> None:
    with Spool() as spool:
        first, again = spool.following(3), spool.following(3)
        assert first.file != again.file
        assert first.folder == spool.folder
