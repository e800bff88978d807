"""Whoever is erased is nowhere any more, and nobody else is touched."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.guard.test_collect import events, record
from app.guard.test_work import exchange, guard_in
from caponier.app.guard.log import GuardLog
from caponier.app.guard.order import EventOrder
from caponier.app.guard.run import Guard
from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.findings import record_findings
from caponier.app.respond.respond import apply_response
from caponier.app.workspace.erasure import Erasure, digest_of, erase, forgotten
from caponier.app.workspace.verify_audit import verify_audit
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.errors import InputError
from caponier.guard.exchange import Caller
from caponier.guard.settings import GuardSettings
from caponier.guard.spool import free_spools
from caponier.records.inventory import Workspace
from caponier.store.database import open_store
from caponier.store.tables import audit, metadata
from caponier.telemetry.readers.cloud_event import without_credentials
from cli.command import run
from respond.made import finding

EVE, ADA = "k-0000000000000eve", "k-0000000000000ada"


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    return require_workspace(tmp_path)


def row(n: int, principal: str | None) -> dict[str, Any]:
    return {
        "time": datetime(2026, 12, 1, 0, 0, n, tzinfo=UTC), "seq": n, "event_id": f"e-{n}", "model": "m",
        "principal": principal, "operation": "predict", "status": 200, "user_agent": f"of {EVE}",
    }  # fmt: skip


def gone(home: Workspace) -> Erasure:
    return erase(home, EVE, actor="test")


def holding(home: Workspace, name: str) -> Iterator[str]:
    """Yield where in the store a name stands, but for the audit log."""
    with open_store(home.store) as store, store.read() as connection:
        for table in metadata.sorted_tables:
            for found in connection.execute(table.select()):
                if table is not audit and name in repr(found):
                    yield table.name


def test_lines_of_the_lake_become_blanks_while_a_guard_goes_on_writing(home: Workspace) -> None:
    log = GuardLog(home, b"")
    log.write([row(n, [EVE, ADA, None][n % 3]) for n in range(9)])
    (file,) = Path(home.lake).rglob("*.jsonl")
    before = file.read_bytes()
    assert gone(home).events == 3
    assert len(file.read_bytes()) == len(before)
    log.write([row(9, ADA)])
    log.close()
    read = events(home)
    assert [one["event_id"] for one in read] == [f"e-{n}" for n in range(10) if n % 3 or n == 9]
    assert {one["principal"] for one in read} == {ADA, None}
    assert file.stat().st_mode & 0o777 == 0o600


def test_rows_of_parquet_go_and_what_cannot_be_read_is_named(home: Workspace) -> None:
    folder = Path(home.lake) / "date=2026-12-01"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([row(0, EVE), row(1, None), row(2, ADA)]), folder / "a.parquet")
    pq.write_table(pa.table({"x": [1]}), folder / "b.parquet")
    (folder / "notes.csv").write_text("x")
    done = gone(home)
    assert done.events == 1
    assert pq.read_table(folder / "a.parquet")["event_id"].to_pylist() == ["e-1", "e-2"]
    assert (folder / "a.parquet").stat().st_mode & 0o777 == 0o600
    assert [skip.what for skip in done.skipped] == [str(folder / "notes.csv")]


def test_of_what_was_collected_apart_the_answers_go_too(home: Workspace) -> None:
    folder = Path(home.lake) / "2026-12-01"
    folder.mkdir(parents=True)
    logged = [record(n, "request", f"key-{n % 2}") for n in range(4)]
    logged += [record(n, "response", metadata="{}") for n in range(4)]
    kept = [without_credentials(one, b"") for one in logged]
    (folder / "collected-kserve-00-1.jsonl").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in kept))
    eve = events(home)[0]["principal"]
    assert erase(home, eve, actor="test").events == 2
    assert [one["label"] for one in events(home)] == ["1", "3"]


def test_the_store_holds_another_name_and_the_audit_log_is_whole(home: Workspace) -> None:
    record_findings(home, [finding(1, EVE), finding(2, ADA), finding(3, f"{EVE}x")], actor="test")
    correlate_findings(home, actor="test")
    assert set(holding(home, EVE))
    assert gone(home).records >= 2
    assert set(holding(home, EVE)) == set(holding(home, f"{EVE}x"))
    assert set(holding(home, ADA))
    assert set(holding(home, "erased-"))
    assert verify_audit(home).ok
    with open_store(home.store) as store, store.read() as connection:
        last = connection.execute(audit.select().order_by(audit.c.seq.desc())).first()
    assert last is not None
    assert (last.action, last.object) == ("principal.erased", digest_of(EVE))


def test_nobody_is_erased_out_of_a_block(home: Workspace) -> None:
    record_findings(home, [finding(1, EVE)], actor="test")
    (opened,) = correlate_findings(home, actor="test").opened
    apply_response(home, opened.incident_id, actor="test")
    GuardLog(home, b"").write([row(0, EVE)])
    with pytest.raises(InputError, match="in force") as refused:
        gone(home)
    assert "caponier respond undo" in str(refused.value.hint)
    assert len(events(home)) == 1, "nothing was changed"


def asked_by(name: str | None, *possible: str) -> Any:
    asked = exchange(b"{}")
    asked.caller = Caller(name, None, "10.0.0.1", possible)
    return asked


def test_what_a_killed_guard_left_in_its_spool_goes(home: Workspace, tmp_path: Path) -> None:
    work = guard_in(tmp_path / "guard", []).work
    spools = home.root / ".caponier" / "spool"
    work.backlog.spool = next(free_spools(spools, 10**9))
    for name in (EVE, ADA, EVE, EVE, None):
        work.keep(asked_by(name))
    work.keep(asked_by(None, ADA, EVE))
    held = gone(home)
    assert (held.requests, [skip.what for skip in held.skipped]) == (0, [str(spools / "0")])
    work.backlog.spool.close()
    assert gone(home).requests == 4
    assert not any(EVE.encode() in path.read_bytes() for path in spools.rglob("*.segment"))
    again = guard_in(tmp_path / "again", []).work
    again.backlog.spool = next(free_spools(spools, 10**9))
    assert again.recover() == 2
    again.close()


def test_a_guard_that_is_running_forgets(home: Workspace, tmp_path: Path) -> None:
    create_workspace(tmp_path / "other")
    with (tmp_path / "caponier.toml").open("a") as file:
        file.write(
            '[[model]]\nname = "m"\nfeatures = { kind = "image", shape = [2, 2], minimum = 0.0, maximum = 1.0 }\n'
        )
    workspace = require_workspace(tmp_path)
    work = Guard(workspace, GuardSettings(upstream="http://127.0.0.1:9")).work
    order = EventOrder()
    for n, name in enumerate([EVE, ADA, EVE]):
        rows = [row(n, name)]
        order.stamp(rows)
        work.live.feed(rows)
        work.order.stamp(rows)
    assert work.live.subjects == 2
    work._forget()
    assert work.live.subjects == 2
    gone(workspace)
    work._forget()
    assert work.live.subjects == 1
    assert len(work.order._last) == 1
    assert forgotten(workspace)() == (), "a guard that starts later has nothing to forget"


def test_the_command_says_what_it_did_and_does_nothing_unasked(
    home: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    log = GuardLog(home, b"")
    log.write([row(0, EVE), row(1, ADA)])
    log.close()
    asked = run(capsys, "erase", EVE, "--workspace", home.root)
    assert (asked.code, asked.out) == (2, "")
    assert "give --yes" in asked.err
    done = run(capsys, "erase", EVE, ADA, "--yes", "--workspace", home.root)
    assert done.code == 0
    assert done.out.splitlines() == [
        f"{name}: 1 events, 0 waiting requests, 0 records of the store" for name in (EVE, ADA)
    ]
    assert events(home) == []
    (Path(home.lake) / "old.csv").write_text("x")
    assert run(capsys, "erase", EVE, "--yes", "--workspace", home.root).code == 3


def test_what_cannot_be_read_is_named_and_all_else_is_erased(
    home: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = Path(home.lake)
    (lake / "a.parquet").write_bytes(b"no table")
    (lake / "b.jsonl").write_bytes(
        orjson.dumps({"principal": EVE}) + b"\n" + b'{"principal": "' + EVE.encode() + b'", "inp\n'
    )
    pq.write_table(pa.table({"principal": [1, 2]}), lake / "c.parquet")
    pq.write_table(pa.table({"principal": [EVE, ADA]}), lake / "d.parquet")
    done = gone(home)
    assert done.events == 2
    assert pq.read_table(lake / "d.parquet")["principal"].to_pylist() == [ADA]
    told = {Path(skip.what).name: skip.reason for skip in done.skipped}
    assert set(told) == {"a.parquet", "b.jsonl", "c.parquet"}
    assert "cannot be read" in told["a.parquet"]
    assert told["b.jsonl"] == "one line left that cannot be parsed, with this name in it"
    answer = run(capsys, "erase", EVE, "--yes", "--workspace", str(home.root))
    assert answer.code == 3
    assert "a.parquet" in answer.err


def test_a_name_that_is_nowhere_is_said_to_be(home: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(capsys, "erase", "customer-1", "--yes", "--workspace", str(home.root))
    assert (answer.code, "caponier key-hash" in answer.err) == (0, True)
