"""Lines that guards wrote become Parquet, and nothing is lost, whenever it is killed."""

import fcntl
import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from caponier.app.inference.scan import scan_inference
from caponier.app.workspace import compact_lake as module
from caponier.app.workspace.compact_lake import NOTE, compact_lake, unfinished
from caponier.app.workspace.erasure import erase
from caponier.app.workspace.inspect_lake import inspect_lake
from caponier.app.workspace.retention import forget_old_events
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.errors import InputError
from caponier.records.inventory import Privacy, Workspace
from caponier.telemetry.events import read_events
from caponier.telemetry.rejections import RejectedRows
from cli.command import run
from conftest import World

DAY = "2026-11-01"
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    return require_workspace(tmp_path)


def event(n: int, **about: Any) -> dict[str, Any]:
    return {
        "time": (BEGIN + timedelta(seconds=n)).isoformat(), "seq": n, "event_id": f"e-{n}", "model": "m",
        "principal": f"k-{n % 3}", "operation": "predict", "status": 200, "input": [n, 0.5, None],
        "scores": [0.25, 0.75], "label": "1", "unread": "answer: too long", **about,
    }  # fmt: skip


def write(home: Workspace, name: str, *events: dict[str, Any], day: str = DAY, more: bytes = b"") -> Path:
    path = Path(home.lake) / day / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in events) + more)
    return path


def rows(home: Workspace) -> list[dict[str, Any]]:
    """Return all that is in the lake, as scans read it, without a file's own numbers."""
    rejected = RejectedRows()
    found = [row for part in read_events([Path(home.lake)], rejected) for row in part.batch.to_pylist()]
    assert not rejected.count
    return sorted(({**row, "seq": None} for row in found), key=lambda row: (row["time"], row["event_id"]))


def test_every_event_is_there_with_all_that_it_held(home: Workspace) -> None:
    write(home, "guard-00-1-a.jsonl", event(0), event(2, model="other/ü", feedback="1"))
    write(home, "guard-01-1-a.jsonl", event(1, signals={"a": 1.0}, cost=2.5))
    before = rows(home)
    done = compact_lake(home)
    assert (done.events, done.sources, done.files, done.skipped) == (3, 2, 2, [])
    assert done.bytes_before > 0
    assert done.bytes_after > 0
    assert repr(rows(home)) == repr(before)
    folder = Path(home.lake) / f"date={DAY}"
    assert sorted(path.name for path in folder.glob("model=*")) == ["model=m", "model=other%2F%C3%BC"]
    assert not (Path(home.lake) / DAY).exists()
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*.parquet")} == {0o600}
    again = compact_lake(home)
    assert (again.events, again.sources) == (0, 0)


def test_a_scan_finds_the_same_before_and_after(world: World, home: Workspace) -> None:
    events = pq.read_table(world.some).to_pylist()
    for n in range(4):
        of = [{name: value for name, value in row.items() if value is not None} for row in events[n::4]]
        own = [{**row, "event_id": f"e-{n}-{i}", "time": row["time"].isoformat()} for i, row in enumerate(of)]
        write(home, f"guard-{n:02}-1-a.jsonl", *own)
    baseline = world.baseline.baseline
    before = scan_inference([Path(home.lake)], workspace=world.workspace, baseline=baseline)
    compact_lake(home)
    after = scan_inference([Path(home.lake)], workspace=world.workspace, baseline=baseline)
    assert {one.finding_id for one in after.findings} == {one.finding_id for one in before.findings} != set()


def test_order_is_kept_where_times_are_the_same(home: Workspace) -> None:
    same = [event(n, time=BEGIN.isoformat()) for n in (3, 1, 2)]
    write(home, "guard-00-1-a.jsonl", *same[:2])
    write(home, "guard-00-1-b.jsonl", same[2])
    compact_lake(home)
    read = [
        row["event_id"] for part in read_events([Path(home.lake)], RejectedRows()) for row in part.batch.to_pylist()
    ]
    assert read == ["e-3", "e-1", "e-2"]


@pytest.mark.parametrize("when", ["before the note", "after it", "over the deletion"])
def test_a_kill_loses_and_doubles_nothing(home: Workspace, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    for n in range(3):
        write(home, f"guard-0{n}-1-a.jsonl", event(n), event(n + 10, model="other"))
    before = rows(home)
    with monkeypatch.context() as killed:
        if when == "before the note":
            killed.setattr(module, "write_new", _killed)
        elif when == "after it":
            killed.setattr(module, "_sync", _killed_after(3 + 2))
        else:
            killed.setattr(Path, "unlink", _killed_after(1, Path.unlink))
        with pytest.raises(KeyboardInterrupt):
            compact_lake(home)
    told = inspect_lake(home).problems
    assert told or when == "over the deletion"
    if when == "before the note":
        # Meanwhile a guard that could not write its lake brought what it had kept elsewhere.
        write(home, "guard-09-1-a-spilled.jsonl", event(20))
        before = [*before, *rows_of(event(20), home)]
    compact_lake(home)
    assert repr(rows(home)) == repr(before)
    assert not inspect_lake(home).problems
    assert not unfinished(Path(home.lake) / f"date={DAY}")


def rows_of(one: dict[str, Any], home: Workspace) -> list[dict[str, Any]]:
    return [row for row in rows(home) if row["event_id"] == one["event_id"]]


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def _killed_after(n: int, work: Callable[..., None] = lambda *_, **__: None) -> Callable[..., None]:
    left = n

    def killed(*arguments: Any, **named: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        work(*arguments, **named)

    return killed


@pytest.mark.parametrize(
    ("more", "why"),
    [(b"{broken\n", "line 2 cannot be used"), (b'{"time": 7, "model": "m", "operation": "predict"}\n', "line 2")],
)
def test_a_file_with_a_line_that_cannot_be_used_stays(home: Workspace, more: bytes, why: str) -> None:
    path = write(home, "guard-00-1-a.jsonl", event(0), more=more)
    write(home, "guard-01-1-a.jsonl", event(1))
    done = compact_lake(home)
    assert (done.events, done.sources) == (1, 1)
    assert [(one.what, why in one.reason) for one in done.skipped] == [(str(path), True)]
    assert path.exists()


def test_what_guards_may_still_need_is_left_alone(home: Workspace) -> None:
    for back in range(4):
        day = (datetime.now(UTC) - timedelta(days=back)).date().isoformat()
        write(home, "guard-00-1-a.jsonl", event(back), day=day)
    compact_lake(home)
    left = {path.parent.name for path in Path(home.lake).glob("*/guard-*.jsonl")}
    today = datetime.now(UTC).date()
    assert left == {(today - timedelta(days=back)).isoformat() for back in range(3)}
    with pytest.raises(InputError, match="are left alone"):
        compact_lake(home, before=today)


def test_other_files_and_links_are_left_alone(home: Workspace, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.jsonl"
    elsewhere.write_bytes(orjson.dumps(event(5), option=orjson.OPT_APPEND_NEWLINE))
    path = write(home, "mine.jsonl", event(0))
    (path.parent / "guard-00-link.jsonl").symlink_to(elsewhere)
    collected = {"specversion": "1.0", "id": "1", "type": "org.kubeflow.serving.inference.request", "data": {}}
    write(home, "guard-00-c.jsonl", collected)
    done = compact_lake(home)
    assert done.events == 0
    assert elsewhere.exists()
    assert len(list(path.parent.iterdir())) == 3


def test_a_line_that_comes_while_it_works_is_not_lost(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(home, "guard-00-1-a.jsonl", event(0))
    write_all = module._write

    def late(*arguments: Any) -> list[Path]:
        made = write_all(*arguments)
        with path.open("ab") as file:
            file.write(orjson.dumps(event(1), option=orjson.OPT_APPEND_NEWLINE))
        return made

    with monkeypatch.context() as changed:
        changed.setattr(module, "_write", late)
        assert "meanwhile" in compact_lake(home).skipped[0].reason
    assert [row["event_id"] for row in rows(home)] == ["e-0", "e-1"]
    assert compact_lake(home).events == 2


def test_a_file_without_an_event_is_done_with(home: Workspace) -> None:
    write(home, "guard-00-1-a.jsonl")
    write(home, "guard-00-1-b.jsonl", more=bytes(range(256)) * 100)
    done = compact_lake(home)
    assert (done.events, done.sources, done.files, len(done.skipped)) == (0, 1, 0, 1)
    assert [path.name for path in (Path(home.lake) / DAY).iterdir()] == ["guard-00-1-b.jsonl"]
    assert not inspect_lake(home).parts


def test_two_at_once_are_refused(home: Workspace) -> None:
    Path(home.lake).mkdir(exist_ok=True)
    with (Path(home.lake) / ".compacting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another compaction"):
            compact_lake(home)


def test_made_up_models_fill_one_folder(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_MODELS", 3)
    names = ["~", "x" * 500, "y" * 500, *(f"made-up-{n}" for n in range(20))]
    write(home, "guard-00-1-a.jsonl", *(event(n, model=name) for n, name in enumerate(names)))
    compact_lake(home)
    folders = {path.name for path in (Path(home.lake) / f"date={DAY}").glob("model=*")}
    assert {"model=~", "model=%7E"} < folders
    assert len(folders) == 4
    assert {row["model"] for row in rows(home)} == set(names)


def test_erasure_and_retention_reach_what_was_made(home: Workspace) -> None:
    write(home, "guard-00-1-a.jsonl", *map(event, range(6)))
    compact_lake(home)
    assert erase(home, "k-1", actor="test").events == 2
    assert {row["principal"] for row in rows(home)} == {"k-0", "k-2"}
    kept = home.model_copy(update={"privacy": Privacy(retention_days=7)})
    assert forget_old_events(kept, datetime(2026, 12, 1, tzinfo=UTC)) == 2, "the file and its note"
    assert not (Path(home.lake) / f"date={DAY}").exists()


def test_a_lake_that_is_not_there_or_no_folder(home: Workspace) -> None:
    shutil.rmtree(home.lake, ignore_errors=True)
    assert compact_lake(home).sources == 0
    Path(home.lake).write_bytes(b"")
    for lake in ("s3://bucket/lake", home.lake):
        for work in (compact_lake, inspect_lake):
            with pytest.raises(InputError, match="the lake is not a folder"):
                work(home.model_copy(update={"lake": lake}))


@pytest.fixture
def lake(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(home.root)
    write(home, "guard-00-1-a.jsonl", *map(event, range(4)))
    return home


def test_the_command_says_what_became_of_it(lake: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, "lake", "compact")
    assert (ran.code, "4 events of 1 files are in 1 Parquet files" in ran.err) == (0, True)
    write(lake, "guard-00-1-b.jsonl", more=b"no\n")
    ran = run(capsys, "lake", "compact", "--before", "2026-11-02")
    assert ran.code == 3
    assert "left" in ran.err
    assert run(capsys, "lake", "compact", "--before", date.today().isoformat()).code == 2


def test_stats_and_verify(lake: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    compact_lake(lake)
    write(lake, "guard-05-1-a.jsonl", event(9))
    told = json.loads(run(capsys, "lake", "stats", "--format", "json").out)
    assert [(part["day"], part["model"], part["form"], part["events"], part["callers"]) for part in told["parts"]] == [
        (DAY, "m", "lines", 1, 1),
        (DAY, "m", "parquet", 4, 3),
    ]
    assert run(capsys, "lake", "verify").code == 0
    write(lake, "guard-06-1-a.jsonl", event(0), more=b"{\n")
    ran = run(capsys, "lake", "verify")
    assert ran.code == 3
    assert "one event with an id that another one has" in ran.err
    assert "line 2" in ran.err
    (Path(lake.lake) / f"date={DAY}" / f"{NOTE}0").write_bytes(b"[]")
    (Path(lake.lake) / ".caponier-half").write_bytes(b"x")
    assert "cut off" in run(capsys, "lake", "verify").err
