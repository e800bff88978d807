"""Without an id in common a request gets the caller who alone asked near it; nobody gets another's."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.telemetry.events import BY_TIME, NO_IDS, read_events
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from caponier.telemetry.rejections import RejectedRows

START = 1_767_605_400_000
Row = dict[str, Any]


def read(folder: Path, asked: list[tuple[int, str]], told: list[tuple[int, str]]) -> tuple[list[Row], str]:
    """Read a service's log and its gateway's; of each request its time in milliseconds and who it was."""
    service = [{"ts": START + at, "features": [1.5, float(ord(who))], "prediction": "x"} for at, who in asked]
    gateway = [
        f'203.0.113.{ord(who)} - - [05/Jan/2026:{_clock(at)} +0000] "POST /predict HTTP/1.1" 200 5 "-" "curl"'
        for at, who in told
    ]
    (folder / "service.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in service))
    (folder / "access.log").write_text("".join(f"{line}\n" for line in gateway))
    report, rows = RejectedRows(), []
    maps = MapChoice(known=shipped_maps())
    for events in read_events([folder / "access.log", folder / "service.jsonl"], report, maps=maps):
        rows += events.batch.to_pylist()
    return rows, " ".join(report.told)


def _clock(at: int) -> str:
    second = 34_200 + at // 1_000
    return f"{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"


def wrong(rows: list[Row]) -> list[Row]:
    """Events that were given to somebody else than who asked."""
    return [
        row
        for row in rows
        if row["input"] is not None
        and row["source_ip"] is not None
        and row["source_ip"] != f"203.0.113.{int(row['input'][1])}"
    ]


def test_quiet_traffic_gets_its_callers(tmp_path: Path) -> None:
    calls = [(at * 7_300, "abc"[at % 3]) for at in range(60)]
    rows, said = read(tmp_path, calls, [(at + 40, who) for at, who in calls])
    assert len(rows) == 60
    assert all(row["source_ip"] and row["status"] == 200 for row in rows)
    assert wrong(rows) == []
    assert BY_TIME in said


def test_what_two_asked_at_once_is_nobodys(tmp_path: Path) -> None:
    calls = [(at * 9_000, "a") for at in range(20)]
    both = [*calls, (4 * 9_000 + 300, "b")]
    rows, _ = read(tmp_path, both, both)
    assert len(rows) == 19 + 2 + 2
    assert sum(row["input"] is not None and row["source_ip"] is None for row in rows) == 2


def test_busy_traffic_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    calls = [(at * 100, "abc"[at % 3]) for at in range(60)]
    rows, said = read(tmp_path, calls, calls)
    assert len(rows) == 120
    assert NO_IDS in said


CALLS = st.lists(st.tuples(st.integers(0, 200_000), st.sampled_from("abc")), min_size=1, max_size=25)


@settings(deadline=None, max_examples=40)
@given(CALLS, st.integers(0, 400))
def test_nobody_is_given_what_another_asked(tmp_path_factory: pytest.TempPathFactory, calls: Any, took: int) -> None:
    rows, _ = read(tmp_path_factory.mktemp("a"), calls, [(at + took, who) for at, who in calls])
    assert wrong(rows) == []
    assert sum(row["input"] is not None for row in rows) == len(calls)
