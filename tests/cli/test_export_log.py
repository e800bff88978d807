from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from cli.command import run


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    now = datetime.now(UTC).replace(microsecond=0)
    rows = [
        {
            "time": (now - timedelta(days=at)).isoformat(),
            "model": "secret-model",
            "operation": "predict",
            "principal": f"ada-{at % 3}",
            "source_ip": "10.1.2.3",
            "user_agent": "secret-agent",
            "input": [at / 40, at % 7],
            "label": "fraud" if at % 2 else "fine",
            "note": "secret-note",
        }
        for at in range(40)
    ]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def table(path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


@pytest.mark.parametrize("inputs", ["quantised", "digest"])
def test_nobody_can_be_told_and_everybody_told_apart(
    log: Path, capsys: pytest.CaptureFixture[str], inputs: str
) -> None:
    ran = run(capsys, "export-log", log, "--anonymise", "--inputs", inputs, "--out", "a.parquet")
    assert ran.code == 0, ran.err
    assert "40 events: a.parquet" in ran.err
    assert "lost: " in ran.err
    rows = table("a.parquet")
    text = repr(rows)
    for secret in ("ada-", "secret", "10.1.2.3", "fraud", "fine"):
        assert secret not in text
    assert len({row["principal"] for row in rows}) == 3
    assert {row["label"] for row in rows} == {"class-0", "class-1"}
    original = [orjson.loads(line)["time"] for line in log.read_bytes().splitlines()]
    shifts = {datetime.fromisoformat(was) - row["time"] for was, row in zip(sorted(original), rows, strict=True)}
    assert len(shifts) == 1
    if inputs == "digest":
        assert rows[0]["input"] is None
        assert len({row["input_digest"] for row in rows}) == 40
        assert "iterative_query" in ran.err
    else:
        assert all(0 <= value <= 1 for row in rows for value in row["input"])


def test_two_exports_cannot_be_joined(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for out in ("a.parquet", "b.parquet"):
        run(capsys, "export-log", log, "--anonymise", "--out", out)
    assert not {row["principal"] for row in table("a.parquet")} & {row["principal"] for row in table("b.parquet")}


def test_what_is_exported_can_be_scanned(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "export-log", log, "--anonymise", "--out", "a.parquet")
    scanned = run(capsys, "scan", "inference", "a.parquet", "--format", "json")
    assert orjson.loads(scanned.out)["events"] == 40


def test_nothing_is_exported_as_it_is(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, "export-log", log, "--out", "a.parquet")
    assert ran.code == 2
    assert not Path("a.parquet").exists()


def test_a_baseline_of_a_rolling_window_says_what_changed(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = run(capsys, "baseline", "build", log, "--out", "b.safetensors")
    assert "change: " not in first.err
    again = run(capsys, "baseline", "build", log, "--last", "10d", "--drop", "ada-1", "--out", "b.safetensors")
    words = " ".join(again.err.split())
    assert "learned from 2 callers and 10 events" in words
    assert "principal ada-1 was left out, as you said" in words
    assert "change: secret-model: 10 events of 2 callers, before 40 of 3" in words


def test_a_scan_of_a_time(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, "scan", "inference", log, "--since", "10d", "--until", "5d", "--format", "json")
    assert orjson.loads(ran.out)["events"] == 5
