import itertools
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry import chunk
from caponier.telemetry.digests import event_id
from caponier.telemetry.events import read_events
from caponier.telemetry.rejections import NUMBER, TEXT, RejectedRows
from caponier.telemetry.streams import STDIN
from telemetry.conftest import Reading, plain, reading

Log = Callable[..., Path]
Read = Callable[..., Reading]

BAD: dict[str, Any] = {
    "broken": b'{"time": ',
    "no object": b"[1, 2]",
    "no model": plain(model=None),
    "wrong operation": plain(operation="guess"),
    "no zone": plain(time="2026-01-05T00:00:00"),
    "boolean time": plain(time=True),
    "float time": plain(time=1767571200000.5),
    "far past": plain(time="1600-01-01T00:00:00Z"),
    "far future": plain(time="2200-01-01T00:00:00Z"),
    "deep": b'{"model":' + b"[" * 900 + b"]" * 900 + b"}",
}
NATIVE = b'{"time":1767571200000,"model":"m","operation":"predict","principal":"k-1",'
LACKING: dict[str, Any] = {
    "null in the scores": plain(scores=[0.5, None]),
    "text for a list": plain(input="0.5"),
    "mixed list": plain(input=[0.5, "x"]),
    "nothing in a list": plain(input=[]),
    "bad shape": plain(input_shape=[3]),
    "bad status": plain(status="x"),
    "a list for a label": plain(label=["x"]),
}
"""Rows that are used without the value of which a reason is told."""
ODD: dict[str, Any] = {
    "no UTF-8": NATIVE + b'"user_agent":"\xff"}',
    "half a letter": NATIVE + rb'"user_agent":"\ud800"}',
    "a control character": NATIVE + b'"user_agent":"\x01"}',
    "NaN": NATIVE + b'"input":[NaN]}',
    "infinity": NATIVE + b'"input":[0.5,-Infinity]}',
    "beyond float64": NATIVE + b'"mine":1e400}',
    "400 digits": NATIVE + b'"mine":' + b"9" * 400 + b"}",
    "beyond float32": plain(input=[0.5, 1e39]),
    "deep beside": NATIVE + b'"mine":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a word of Python": NATIVE + b'"mine":None}',
}
"""Rows that a caller could hide, were they rejected; it is told once a log that there are some."""


def strange(second: int) -> dict[str, Any]:
    """Good rows whose values have many forms, so that no column is of one type."""
    form = second % 5
    return plain(
        second,
        time=[None, 1_767_571_200_000 + second * 1_000][form == 3] or plain(second)["time"],
        label=["7", 7, True, None, 0.5][form],
        status=[200, "200", None, 200.0, 404][form],
        input=[[0.5, 1], [[0.5], [1]], [0.5, 2**63], [True, 0], None][form],
        mine=[None, {"a": [1]}, "x", 3, None][form],
    )


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named_and_leaves_the_others_alone(log: Log, read: Read, name: str) -> None:
    good = [plain(second) for second in range(3)]
    clean = read(log(good))
    found = read(log([good[0], BAD[name], *good[1:]]))
    assert found.ids == clean.ids
    assert found.lines == [1, 3, 4]
    assert [row["seq"] for row in found.rows] == [0, 1, 2]
    assert [line for line, _ in found.rejected] == [2]


@pytest.mark.parametrize("name", [*LACKING, *ODD])
def test_a_row_of_which_a_caller_spoils_a_value_stays_his(log: Log, read: Read, name: str) -> None:
    good = [plain(second) for second in range(3)]
    found = read(log([good[0], (LACKING | ODD)[name], *good[1:]]))
    assert found.lines == [1, 2, 3, 4]
    assert found.rows[1]["principal"] == "k-1"
    assert [line for line, _ in found.rejected] == [2] * (name in LACKING)
    assert [line for line, _ in found.mended] == [2] * (name in ODD)


def test_what_is_odd_about_rows_is_said_once_a_log(log: Log) -> None:
    kept = RejectedRows()
    path = log([plain(), *[ODD["no UTF-8"]] * 5, ODD["beyond float64"]])
    list(read_events([path], kept))
    assert kept.count == 0
    assert [words.partition(": ")[2] for words in kept.told] == [f"5 rows have {TEXT}", f"1 row has {NUMBER}"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    inserts=st.lists(st.tuples(st.integers(0, 40), st.sampled_from(sorted(BAD))), max_size=12),
    rows=st.integers(1, 9),
)
def test_bad_rows_anywhere_leave_exactly_the_good_ones_however_chunks_are_cut(
    tmp_path_factory: pytest.TempPathFactory, inserts: list[Any], rows: int
) -> None:
    good = [strange(second) for second in range(40)]
    lines: list[Any] = list(good)
    for place, name in sorted(inserts, reverse=True, key=lambda insert: insert[0]):
        lines.insert(place, BAD[name])
    folder = tmp_path_factory.mktemp("insert")
    clean = reading(write(folder / "clean.jsonl", good))
    path = write(folder / "broken.jsonl", lines)
    found = reading(path)
    assert found.rows == clean.rows
    assert len(found.rejected) == len(inserts)
    assert {number for number, _ in found.rejected} | set(found.lines) == set(range(1, len(lines) + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk, "CHUNK_ROWS", rows)
        assert reading(path) == found


def streamed(data: bytes, **options: Any) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data)))
        return reading(STDIN, **options)


def write(path: Path, lines: list[Any]) -> Path:
    path.write_bytes(b"".join((line if isinstance(line, bytes) else orjson.dumps(line)) + b"\n" for line in lines))
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(seconds=st.lists(st.integers(0, 2_000), max_size=40), rows=st.integers(1, 9))
def test_late_rows_of_a_stream_are_the_same_however_chunks_are_cut(
    tmp_path_factory: pytest.TempPathFactory, seconds: list[int], rows: int
) -> None:
    path = write(tmp_path_factory.mktemp("late") / "log.jsonl", [plain(second) for second in seconds])
    found = streamed(path.read_bytes(), lateness=60.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk, "CHUNK_ROWS", rows)
        assert streamed(path.read_bytes(), lateness=60.0) == found
    assert len(found.rows) + len(found.rejected) == len(seconds)
    assert {reason for _, reason in found.rejected} <= {"late: older by more than the allowed lateness"}
    whole = reading(path, lateness=60.0)
    assert len(whole.rows) == len(seconds), "a file is sorted, so nothing in it is late"
    assert not whole.rejected


@pytest.mark.parametrize("order", [slice(None, None, -1), slice(None)])
def test_standard_input_that_ends_is_a_file(log: Log, order: slice) -> None:
    path = log([plain(second) for second in [*range(0, 90_000, 900)][order]])
    found = streamed(path.read_bytes())
    assert (found.rows, found.rejected) == (reading(path).rows, [])


def test_bad_rows_do_not_move_the_clock(log: Log) -> None:
    ahead = [plain(9_000, model=None), plain(9_000, operation="guess")]
    assert streamed(log([plain(0), *ahead, plain(1)]).read_bytes()).lines == [1, 4]


def test_every_format_gives_the_same_events(formats: dict[str, Path], table: pa.Table, read: Read) -> None:
    expected = table.to_pylist()
    ids = [event_id(row) for row in expected]
    for name, path in formats.items():
        found = read(path)
        assert not found.rejected, name
        assert found.ids == ids, name
        for column in ("time", "principal", "input", "scores", "label", "latency_ms", "status", "seq"):
            wanted = range(len(expected)) if column == "seq" else [row[column] for row in expected]
            assert [row[column] for row in found.rows] == list(wanted), (name, column)


def test_standard_input_gives_the_same_events(
    formats: dict[str, Path], read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read(formats["log.jsonl"])
    data = formats["log.jsonl"].read_bytes()
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data)))
    assert read(STDIN) == expected


def test_events_written_and_read_again_are_the_same(log: Log, read: Read, tmp_path: Path) -> None:
    first = read(log([strange(second) for second in range(20)] + [plain(20, extra='{"b":1}', a=2)]))
    pq.write_table(pa.Table.from_pylist(first.rows, schema=EVENT_SCHEMA), tmp_path / "again.parquet")
    assert read(tmp_path / "again.parquet").rows == first.rows
    rows = [row | {"time": row["time"].isoformat(), "signals": None} for row in first.rows]
    assert read(log(rows, "again.jsonl")).rows == first.rows


def test_a_file_keeps_its_own_event_ids(log: Log, read: Read) -> None:
    assert [row["event_id"] for row in read(log([plain(event_id="e-7"), plain(1)])).rows] == ["e-7", None]


def test_rejections_stand_in_the_order_of_their_lines(log: Log, read: Read) -> None:
    found = read(log([BAD["no model"], BAD["broken"], BAD["no zone"], BAD["no object"], plain()]))
    assert [line for line, _ in found.rejected] == [1, 2, 3, 4]


def test_a_rejection_shows_how_its_row_begins(log: Log, read: Read) -> None:
    found = read(log([plain(model=None), plain(operation="guess", input=[0.5] * 5_000)]))
    assert found.raws[0] is not None
    assert '"operation":"predict"' in found.raws[0]
    assert found.raws[1] is not None
    assert len(found.raws[1]) == 2_000


def test_each_file_has_its_own_order(log: Log, read: Read) -> None:
    late, early = log([plain(9_000), plain(9_001), plain(1)], "a.jsonl"), log([plain(0)], "b.jsonl")
    found = read(late, early)
    assert [row["seq"] for row in found.rows] == [0, 1, 2, 0]
    assert not found.rejected


def test_a_folder_is_read_in_the_order_of_names_and_only_its_logs(log: Log, read: Read, tmp_path: Path) -> None:
    (tmp_path / "2026").mkdir()
    for name in ("b.jsonl", "2026/a.ndjson", "c.jsonl.GZ", "notes.txt", "model.bin", "x.parquet.gz"):
        log([plain()], name)
    (tmp_path / "c.jsonl.GZ").unlink()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.jsonl").symlink_to(tmp_path / "self.jsonl")
    rejected = RejectedRows()
    sources = [events.source for events in read_events([tmp_path], rejected) if events.batch.num_rows]
    assert sources == [str(tmp_path / "2026" / "a.ndjson"), str(tmp_path / "b.jsonl")]
    assert [one.file for one in rejected.first] == [str(tmp_path / "self.jsonl")], "a log that cannot be read is told"


@pytest.mark.parametrize("name", ["nothing", "x.parquet.gz"])
def test_what_is_no_log_is_an_error(log: Log, read: Read, tmp_path: Path, name: str) -> None:
    if name != "nothing":
        log([plain()], name)
    with pytest.raises(InputError, match=name):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["notes.txt", "000000", "predictions.log.3", "requests"])
def test_a_file_that_was_named_is_read_by_what_it_holds(log: Log, read: Read, name: str) -> None:
    assert len(read(log([plain()], name)).rows) == 1


def test_of_a_folder_files_without_an_ending_are_read_where_they_hold_records(
    log: Log, read: Read, tmp_path: Path
) -> None:
    log([b"2026-01-05T00:00:00.000Z " + orjson.dumps(plain())], "000000")
    log([b"MIT licence"], "LICENSE")
    log([], "_SUCCESS")
    assert len(read(tmp_path).rows) == 1


def test_a_folder_without_logs_is_an_error(log: Log, read: Read, tmp_path: Path) -> None:
    log([plain()], "notes.txt")
    with pytest.raises(InputError, match=r"no \.parquet"):
        read(tmp_path)


def test_the_rejected_rows_of_an_earlier_run_are_no_log(log: Log, tmp_path: Path) -> None:
    log([plain()], "a.jsonl")
    earlier = log([{"file": "a", "line": 1, "reason": "bad", "raw": None}], "rejected.jsonl")
    rejected = RejectedRows(earlier)
    assert sum(events.batch.num_rows for events in read_events([tmp_path], rejected)) == 1
    assert rejected.count == 0
    with pytest.raises(InputError, match="both a log and the file for rejected rows"):
        list(read_events([earlier], rejected))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
def test_a_name_that_is_not_utf_8_can_be_reported(log: Log, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/l\xf6g.jsonl"))
    write(path, [b"{"])
    with RejectedRows(tmp_path / "rejected.jsonl") as rejected:
        (events,) = read_events([path], rejected)
    assert events.source.endswith("l\\xf6g.jsonl")
    assert b"xf6g.jsonl" in (tmp_path / "rejected.jsonl").read_bytes()


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.csv", "empty.jsonl.gz", "empty.jsonl.zst"])
def test_an_empty_file_has_no_events(read: Read, tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    found = read(tmp_path / name)
    assert not found.rows
    assert not found.rejected


def test_a_log_of_nothing_but_rejections_is_read_in_bounded_chunks(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk, "CHUNK_ROWS", 10)
    path = log([b"{"] * 95)
    rejected = RejectedRows()
    counts = [rejected.count for _ in read_events([path], rejected)]
    assert counts == [10, 20, 30, 40, 50, 60, 70, 80, 90, 95]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_log() -> None:
    """Python's own memory; what Arrow holds is counted by its pool."""

    def peak(rows: int) -> int:
        line = orjson.dumps(plain(input=np.linspace(0, 1, 16).tolist())) + b"\n"
        stream = TextIOWrapper(Repeated(line, rows))  # type: ignore[type-var]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", stream)
            tracemalloc.start()
            try:
                assert sum(events.batch.num_rows for events in read_events([STDIN], RejectedRows())) == rows
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    small, large = peak(10_000), peak(40_000)
    assert large < small * 1.2 + 2**20
    assert pa.total_allocated_bytes() < 200 * 2**20


class Repeated:
    """A stream that says the same line again and again."""

    readable = staticmethod(lambda: True)
    writable = seekable = staticmethod(lambda: False)
    closed = False

    def __init__(self, line: bytes, times: int) -> None:
        self._blocks: Iterator[bytes] = itertools.repeat(line * 100, times // 100)

    def read(self, _size: int = -1, /) -> bytes:
        return next(self._blocks, b"")

    def flush(self) -> None: ...

    def close(self) -> None: ...
