"""Lines that a container run-time cut into pieces: whole again, within bounds, and none lost in silence."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.readers import carried
from caponier.telemetry.readers.carried import CarriedRecords
from pace import Stopwatch
from telemetry.conftest import reading

STAMP = "2026-01-05T09:30:00.5Z"


def record(at: int) -> dict[str, Any]:
    return {"time": f"2026-01-05T09:00:{at:02}Z", "user": "ada", "model": "m", "features": [1.5, float(at)]}


def cri(text: str, cuts: list[int], stream: str = "stdout") -> list[str]:
    """Write a line as the run-time does."""
    places = sorted({cut % len(text) for cut in cuts} - {0})
    parts = [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]
    return [f"{STAMP} {stream} {'F' if one is parts[-1] else 'P'} {one}" for one in parts]


def docker(text: str, cuts: list[int], stream: str = "stdout") -> list[str]:
    places = sorted({cut % len(text) for cut in cuts} - {0})
    parts = [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]
    parts[-1] += "\n"
    return [orjson.dumps({"log": one, "stream": stream, "time": STAMP}).decode() for one in parts]


@given(st.lists(st.integers(0, 999), max_size=6), st.sampled_from([cri, docker]), st.integers(0, 59))
def test_however_a_line_was_cut_it_is_one_record(cuts: list[int], write: Any, at: int) -> None:
    text = orjson.dumps(record(at)).decode()
    found = CarriedRecords()
    rows = [one for line in write(text, cuts) for one in found.rows(line.encode())]
    assert rows == [record(at)]
    assert found.left() is None


@given(st.lists(st.integers(0, 999), max_size=4), st.lists(st.integers(0, 999), max_size=4), st.randoms())
def test_pieces_of_two_streams_do_not_mix(one: list[int], two: list[int], chance: Any) -> None:
    waiting = [cri(orjson.dumps(record(1)).decode(), one), cri(orjson.dumps(record(2)).decode(), two, "stderr")]
    found, rows = CarriedRecords(), []
    while any(waiting):
        lines = chance.choice([some for some in waiting if some])
        rows += found.rows(lines.pop(0).encode())
    assert sorted(row["time"] for row in rows) == [record(1)["time"], record(2)["time"]]


@pytest.mark.parametrize("write", [cri, docker])
def test_a_line_without_its_end_is_counted(write: Any, tmp_path: Path) -> None:
    lines = [line for at in range(30) for line in write(orjson.dumps(record(at)).decode(), [40])]
    last = write(orjson.dumps(record(30)).decode(), [40])
    (tmp_path / "pod.log").write_text("\n".join([*lines, last[0]]) + "\n")
    found = reading(tmp_path / "pod.log")
    assert len(found.rows) == 30
    assert found.rejected == [(61, "bad JSON: the log ends before the last piece of a line of stdout")]


def test_the_end_of_a_line_whose_beginning_is_in_another_file_is_counted(tmp_path: Path) -> None:
    lines = [line for at in range(31) for line in cri(orjson.dumps(record(at)).decode(), [40])]
    (tmp_path / "pod.log").write_text("\n".join(lines[1:]) + "\n")
    found = reading(tmp_path / "pod.log")
    assert len(found.rows) == 30
    assert [line for line, _ in found.rejected] == [1]


def test_many_small_pieces_take_no_more_time_than_their_bytes() -> None:
    found = CarriedRecords()
    with Stopwatch() as watch:
        for _ in range(50_000):
            assert found.rows(f"{STAMP} stdout P x".encode()) == []
    assert watch.seconds < 4
    assert found.left() is not None


def test_pieces_never_outgrow_the_limit_of_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried, "LINE_LIMIT", 10_000)
    found, piece = CarriedRecords(), f"{STAMP} stdout P {'x' * 100}".encode()
    for _ in range(10_000 // (100 + carried.PIECE)):
        assert found.rows(piece) == []
    with pytest.raises(ValueError, match="no JSON object"):
        found.rows(piece)
    assert found.left() is None


def test_no_more_streams_are_held_than_a_container_has() -> None:
    found = CarriedRecords()
    problems = 0
    for at in range(100):
        try:
            found.rows(orjson.dumps({"log": "x", "stream": f"s{at}", "time": STAMP}))
        except ValueError:
            problems += 1
    assert problems >= 90


def test_the_name_of_a_stream_that_is_left_is_short() -> None:
    found = CarriedRecords()
    found.rows(orjson.dumps({"log": "x", "stream": "s" * 10_000, "time": STAMP}))
    assert len(found.left() or "") < 200
