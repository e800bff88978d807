"""A restart, and any number of new names, gain an attacker nothing."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from caponier.app.guard import response
from caponier.app.guard import warming as warming_module
from caponier.app.guard.log import SPILLED, GuardLog
from caponier.app.guard.order import EventOrder
from caponier.app.guard.response import GuardResponse
from caponier.app.guard.run import Guard
from caponier.app.guard.warming import Warming
from caponier.app.incidents.findings import list_findings, record_findings
from caponier.app.incidents.incidents import list_incidents
from caponier.app.incidents.verdicts import give_verdict
from caponier.app.inference import live as live_module
from caponier.app.inference.live import LiveFindings
from caponier.app.inference.plan import DetectionSettings
from caponier.app.respond.respond import apply_response, list_actions, undo_for
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.guard.call import Call
from caponier.guard.exchange import Caller
from caponier.guard.settings import GuardSettings
from caponier.guard.verdict import PASS, GuardVerdict
from caponier.records.inventory import Workspace
from caponier.records.verdict import VerdictKind
from caponier.store import response_actions
from caponier.store.database import open_store

MODEL = '[[model]]\nname = "m"\nfeatures = {kind = "numeric", shape = [4], minimum = 0.0, maximum = 1.0}\n'
HOUR = timedelta(hours=1)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    with (tmp_path / "caponier.toml").open("a") as file:
        file.write(MODEL)
    return require_workspace(tmp_path)


def attack(order: EventOrder, n: int = 120, who: str = "k-eve", seed: int = 0) -> list[dict[str, Any]]:
    """Small steps around one input, as an attacker who looks for the boundary."""
    rng = np.random.default_rng(seed)
    base = rng.random(4)
    rows = [query(who, base + rng.normal(0, 0.002, 4), f"{i % 3 % 2}") for i in range(n)]
    for i, row in enumerate(rows):
        row["time"] = datetime.now(UTC) - HOUR + timedelta(seconds=i)
        order.stamp([row])
    return rows


def query(who: str, values: Any, label: str) -> dict[str, Any]:
    row = np.clip(values, 0, 1).astype(np.float32)
    return {"model": "m", "operation": "predict", "principal": who, "status": 200, "input": row, "label": label}


def first_finding(live: LiveFindings, rows: list[dict[str, Any]]) -> int | None:
    """Return after how many of the rows somebody is found."""
    return next((n for n, row in enumerate(rows, 1) if live.feed([row])), None)


def lake_of(workspace: Workspace, rows: list[dict[str, Any]]) -> None:
    log = GuardLog(workspace, b"")
    log.write(rows)
    log.close()


@pytest.mark.parametrize("before", [1, 5, 20])
def test_after_a_restart_an_attack_is_found_after_as_many_queries(workspace: Workspace, before: int) -> None:
    terms, order = DetectionSettings.of(workspace), EventOrder()
    rows = attack(order)
    whole = first_finding(LiveFindings(terms, order.event_id), rows)
    assert whole is not None
    before = min(before, whole - 1)
    lake_of(workspace, rows[:before])
    warming = Warming(Path(workspace.lake), 1_000)
    live = LiveFindings(terms, lambda seq: warming.id_of(seq) or order.event_id(seq))
    assert warming.warm(live) == (before, [])
    after = first_finding(live, rows[before:])
    assert after is not None
    assert before + after == whole
    cold = first_finding(LiveFindings(terms, order.event_id), rows[before:])
    assert cold is None or cold >= after


def test_what_a_kill_kept_from_being_told_is_told_and_nothing_twice(workspace: Workspace) -> None:
    rows = attack(EventOrder())
    lake_of(workspace, rows)
    with_guard(workspace)
    told = list_findings(workspace)
    assert {one.subject.id for one in told} == {"k-eve"}
    assert {one.trigger_event_id for one in told} <= {row["event_id"] for row in rows}
    assert set(told[0].event_ids) <= {row["event_id"] for row in rows}
    with_guard(workspace)
    assert list_findings(workspace) == told
    record_findings(workspace, told, actor="x")


def test_what_waits_beside_the_spool_is_known_after_a_restart(workspace: Workspace) -> None:
    rows, spools = attack(EventOrder(), 20), workspace.root / ".caponier/spool"
    log = GuardLog(workspace, b"")
    log.beside = spools / "0" / SPILLED
    log.write(rows[:5])
    log.close()
    lake = Path(workspace.lake)
    # The lake cannot be written from now on; a part of it was moved, and the guard was killed meanwhile.
    for file in list(lake.glob("*/guard-*.jsonl")):
        shutil.copytree(file.parent, log.beside / file.parent.name)
    later = GuardLog(workspace, b"")
    later._root = log.beside
    later.write(rows[5:])
    later.close()
    terms = DetectionSettings.of(workspace)
    assert Warming(lake, 1_000, spools).warm(LiveFindings(terms, str))[0] == 20
    assert Warming(lake, 1_000).warm(LiveFindings(terms, str))[0] == 5


@pytest.mark.parametrize("killed", ["record_findings", "correlate_findings", "_answer_due"])
def test_whoever_was_found_before_a_kill_is_refused_after_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    lake_of(workspace, attack(EventOrder()))
    with monkeypatch.context() as patched:
        patched.setattr(GuardResponse if killed == "_answer_due" else response, killed, die)
        with_guard(workspace, mode="enforce")
    assert not list_actions(workspace)
    guard = guard_of(workspace, mode="enforce")
    guard.start()
    assert verdict(guard) is not PASS, "before anything is written"
    guard.close()
    assert {action.scope.id for action in list_actions(workspace)} == {"k-eve"}
    undo_for(workspace, "k-eve")
    assert verdict(with_guard(workspace, mode="enforce")) is PASS


def found_and_killed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an attack recorded and joined, and not answered."""
    lake_of(workspace, attack(EventOrder()))
    with monkeypatch.context() as patched:
        patched.setattr(GuardResponse, "_answer_due", die)
        with_guard(workspace, mode="enforce")


@pytest.mark.parametrize(("said", "refused"), [(VerdictKind.BENIGN, False), (VerdictKind.TRUE, True)])
def test_what_somebody_calls_benign_after_a_kill_is_not_answered(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, said: VerdictKind, refused: bool
) -> None:
    found_and_killed(workspace, monkeypatch)
    for finding in list_findings(workspace):
        give_verdict(workspace, finding.finding_id, said)
    assert (verdict(with_guard(workspace, mode="enforce")) is not PASS) is refused


def test_what_was_found_long_before_a_kill_is_for_people(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    found_and_killed(workspace, monkeypatch)
    later = query("k-ada", np.full(4, 0.5), "0") | {"time": datetime.now(UTC)}
    order = EventOrder()
    order.stamp([later])
    lake_of(workspace, [later])
    assert verdict(with_guard(workspace, mode="enforce")) is PASS


def test_what_an_action_in_force_answered_is_not_answered_again_when_it_is_over(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_and_killed(workspace, monkeypatch)
    finding = list_findings(workspace)[0]
    begun, over = finding.last_time - timedelta(minutes=1), finding.last_time + timedelta(minutes=1)
    incident = list_incidents(workspace)[0].incident_id
    apply_response(workspace, incident, now=begun)
    expired = [replace(action, expires=over) for action in list_actions(workspace, now=begun)]
    with open_store(workspace.store) as store, store.write() as connection:
        for action in expired:
            response_actions.change(connection, action, "x", "action.approved")
    assert {action.scope.id for action in expired} == {"k-eve"}
    assert verdict(with_guard(workspace, mode="enforce")) is PASS


def verdict(guard: Guard) -> GuardVerdict:
    return guard.decisions(Caller("k-eve", None, None), Call("predict", "m"), lambda: 1)


def die(*_: Any, **__: Any) -> None:
    raise RuntimeError


def guard_of(workspace: Workspace, mode: Any = "observe") -> Guard:
    async def model(*_: Any) -> None:
        raise AssertionError

    return Guard(workspace, GuardSettings(mode=mode), app=model)


def with_guard(workspace: Workspace, mode: Any = "observe") -> Guard:
    guard = guard_of(workspace, mode)
    guard.start()
    guard.close()
    return guard


def test_the_newest_events_are_read_and_no_more(workspace: Workspace) -> None:
    lake, order = Path(workspace.lake), EventOrder()
    rows = attack(order, 50)
    lake_of(workspace, rows)
    (file,) = lake.rglob("*.jsonl")
    with file.open("ab") as broken:
        broken.write(b"half a li")
        broken.write(b'\n[]\n{"time": 7}\n' + orjson.dumps({"time": "2026-01-01T00:00:00", "model": "m"}) + b"\n")
    old = lake / "2020-01-01" / "guard-00-1-a.jsonl"
    old.parent.mkdir()
    old.write_bytes(file.read_bytes())
    terms = DetectionSettings.of(workspace)
    warming = Warming(lake, 10)
    assert [row["event_id"] for row in warming._newest(frozenset({"m"}), datetime.now(UTC))] == [
        row["event_id"] for row in rows[-10:]
    ]
    warming = Warming(lake, 1_000)
    assert warming.warm(LiveFindings(terms, lambda seq: warming.id_of(seq) or ""))[0] == 50
    assert Warming(lake, 0).warm(LiveFindings(terms, order.event_id)) == (0, [])


def test_new_names_push_out_nobody_of_whom_there_is_something_to_know(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "MOST_SUBJECTS", 40)
    terms, order = DetectionSettings.of(workspace), EventOrder()
    rows = attack(order)
    whole = first_finding(LiveFindings(terms, order.event_id), rows)
    assert whole is not None
    live, found = LiveFindings(terms, order.event_id), None
    rng = np.random.default_rng(1)
    for n, row in enumerate(rows[: whole + 1], 1):
        if live.feed([row]):
            found = n
            break
        if n >= 8:
            fresh = [query(f"k-{n}-{i}", rng.random(4), "0") | {"time": row["time"]} for i in range(60)]
            for one in fresh:
                order.stamp([one])
            assert not live.feed(fresh)
            assert live.subjects <= 40
    assert found == whole


def flood(order: EventOrder, names: int, each: int) -> list[dict[str, Any]]:
    """Others who ask after an attack was begun, with other inputs each."""
    rng = np.random.default_rng(3)
    rows = [query(f"k-new-{n % names}", rng.random(4), "0") for n in range(names * each)]
    for n, row in enumerate(rows):
        row["time"] = datetime.now(UTC) - HOUR / 2 + timedelta(milliseconds=n)
        order.stamp([row])
    return rows


@pytest.mark.parametrize(("names", "each"), [(1, 2_000), (2_000, 1), (60, 30)])
def test_whoever_floods_the_lake_before_a_restart_gains_nothing(workspace: Workspace, names: int, each: int) -> None:
    terms, order = DetectionSettings.of(workspace), EventOrder()
    rows = attack(order)
    whole = first_finding(LiveFindings(terms, order.event_id), rows)
    assert whole is not None
    lake_of(workspace, [*rows[: whole - 1], *flood(order, names, each)])
    warming = Warming(Path(workspace.lake), 500)
    live = LiveFindings(terms, lambda seq: warming.id_of(seq) or order.event_id(seq))
    read, found = warming.warm(live)
    assert read == 500
    assert not [one for one in found if one.subject.id == "k-eve"]
    assert first_finding(live, rows[whole - 1 :]) == 1, "as without the restart"


def test_an_event_that_was_erased_meanwhile_is_left_out(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    lake_of(workspace, attack(EventOrder(), 20))
    shared = warming_module._shared

    def erased(newest: Any, most: int) -> Any:
        for file in Path(workspace.lake).rglob("*.jsonl"):
            lines = file.read_bytes().splitlines(keepends=True)
            file.write_bytes(b" " * (len(lines[0]) - 1) + b"\n" + b"".join(lines[1:]))
        return shared(newest, most)

    monkeypatch.setattr(warming_module, "_shared", erased)
    assert Warming(Path(workspace.lake), 100).warm(LiveFindings(DetectionSettings.of(workspace), str))[0] == 19
