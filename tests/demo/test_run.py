"""The demo, smaller but real: a model is trained, served over HTTP, attacked, and the log is scanned."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from caponier.app.incidents.findings import list_findings
from caponier.app.incidents.incidents import list_incidents
from caponier.app.inference.scan import scan_inference
from caponier.app.workspace.verify_audit import list_audit, verify_audit
from caponier.app.workspace.workspace import load_workspace, read_salt, require_workspace
from caponier.coverage.heat_map import Status
from caponier.demo.outcome import colors
from caponier.demo.replay import SHOWN, Replay, replay
from caponier.demo.result import DemoResult
from caponier.demo.run import run_demo
from caponier.detect.calibration.baseline import Baseline
from caponier.emulate.registry import habits
from caponier.engines import local
from caponier.errors import InputError
from caponier.matrix.case_study import Strategy
from caponier.matrix.technique import Color
from caponier.records.incident import Stage
from demo.real_demo import NOTES, SMALL, FirstRun, Heard, first_run, second_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> FirstRun:
    return first_run(tmp_path_factory)


@pytest.fixture(scope="module")
def heard(first: FirstRun) -> Heard:
    return first.heard


@pytest.fixture(scope="module")
def out(first: FirstRun) -> Path:
    return first.out


@pytest.fixture(scope="module", autouse=True)
def _own_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CAPONIER_STORE", "CAPONIER_WORKSPACE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def result(first: FirstRun) -> DemoResult:
    return first.result


@pytest.fixture(scope="module")
def seen(out: Path, result: DemoResult) -> Replay:
    workspace = require_workspace(out)
    section = Baseline.load(out / "digits-mlp.safetensors").models[0]
    return replay(out / "logs/traffic.jsonl", section, workspace.detect, read_salt(workspace))


def test_every_attacker_is_flagged_and_no_benign_user_is(result: DemoResult) -> None:
    assert result.problems == ()
    assert [(who.emulation, who.flagged, who.outcome.success) for who in result.attackers] == [
        ("jbda", True, True),
        ("hop_skip_jump", True, True),
        ("boundary", True, True),
    ]
    assert (result.benign_flagged, result.benign_users) == (0, SMALL.test)


def test_an_attack_succeeds_by_distance(result: DemoResult) -> None:
    for attacker in result.attackers:
        outcome = attacker.evasion
        if outcome is None:
            continue
        assert outcome.first_distance is not None
        assert outcome.final_distance is not None
        assert outcome.final_distance <= outcome.first_distance / 2
        assert outcome.adversarial_label != outcome.original_label


def test_every_habit_there_is_has_users(result: DemoResult) -> None:
    assert {share.habit for share in result.benign} == set(habits())
    assert all(share.refused == 0 and share.latency_ms > 0 for share in result.benign)
    heavy = next(share.traffic for share in result.benign if share.habit == "heavy")
    assert heavy.rows > 10 * heavy.requests


def test_all_that_was_asked_is_in_the_logs(out: Path, result: DemoResult) -> None:
    benign, traffic = ((out / "logs" / name).read_text().splitlines() for name in ("benign.jsonl", "traffic.jsonl"))
    assert len(benign) == result.calibration.rows
    asked = sum(share.traffic.rows for share in result.benign) + sum(who.queries for who in result.attackers)
    assert len(traffic) == result.events == asked


def test_benign_users_and_attackers_ask_at_the_same_time(out: Path, result: DemoResult) -> None:
    rows = [json.loads(line) for line in (out / "logs/traffic.jsonl").read_text().splitlines()]
    attackers = {who.principal for who in result.attackers}
    at = [position for position, row in enumerate(rows) if row["principal"] in attackers]
    others = sum(row["principal"] not in attackers for row in rows[at[0] : at[-1]])
    # How many is a matter of how busy the machine is; none would mean one after the other.
    assert others > 100


def test_no_key_is_in_the_logs(out: Path) -> None:
    text = (out / "logs/traffic.jsonl").read_text()
    assert "Bearer" not in text
    assert "hop_skip_jump" not in text


def test_the_folder_is_a_workspace_with_the_findings(out: Path, result: DemoResult) -> None:
    workspace = require_workspace(out)
    system = workspace.system_of("digits-mlp")
    model = workspace.model("digits-mlp")
    assert system is not None
    assert model is not None
    assert (system.name, system.criticality, bool(system.owner)) == ("mail-sorting", "high", True)
    assert model.features is not None
    assert (model.features.kind, model.features.shape) == ("image", (8, 8))
    assert model.baseline == out / "digits-mlp.safetensors"
    kept = {finding.finding_id for finding in list_findings(workspace)}
    assert kept == {finding.finding_id for finding in result.hunt.findings}


def test_the_steps_are_one_combined_incident(result: DemoResult) -> None:
    incident = result.hunt.incident
    assert incident is not None
    assert incident.strategy is Strategy.COMBINED
    assert len(incident.tactics) >= 4
    assert colors(incident) == {Color.ORANGE, Color.WHITE}
    assert {finding.finding_id for finding in result.hunt.findings} == set(incident.finding_ids)
    detectors = {finding.detector for finding in result.hunt.findings}
    assert {"iterative_query", "sigma:model_bulk_read", "label_noise", "unsafe_code"} <= detectors
    assert "account:alice" in incident.actors
    assert {f"principal:{who.principal}" for who in result.attackers} <= set(incident.actors)
    assert any(step.finding_id is None for step in incident.steps)


def test_the_block_stops_the_attacker_and_nobody_else_and_can_be_undone(out: Path, result: DemoResult) -> None:
    done = result.after.containment
    assert done is not None
    assert (done.dry_run.attack, done.dry_run.others) == (done.dry_run.of_attack, 0)
    assert [(probe.asked, probe.answered) for probe in (done.blocked, done.undone, done.again)] == [
        (60, 0),
        (60, 60),
        (60, 0),
    ]
    assert all(probe.benign_users == SMALL.test for probe in (done.blocked, done.undone, done.again))
    assert done.benign_blocked == 0
    assert done.undo_works
    rows = [json.loads(line) for line in (out / "logs/guard.jsonl").read_text().splitlines()]
    keys = {who.principal for who in result.attackers}
    assert sum(row["status"] == 429 for row in rows) == 120
    assert {row["principal"] for row in rows if row["status"] == 429} == keys
    undone = [row for row in list_audit(require_workspace(out), limit=1_000) if row.action == "action.undone"]
    assert len(undone) == done.undo_rows
    assert verify_audit(require_workspace(out)).ok


def test_batch_model_and_file_are_repaired(out: Path, result: DemoResult) -> None:
    done = result.after.repaired
    assert done is not None
    assert done.before < done.clean
    assert done.before < done.after
    assert done.left_accuracy < done.took_accuracy
    assert min(result.hunt.batch.recall, result.hunt.batch.precision) > 0.8
    registry = json.loads((out / "models/registry.json").read_text())
    assert {one["version"]: one["status"] for one in registry["models"][0]["versions"]} == {
        "2": "active",
        "3": "quarantined",
    }
    assert [one.stage for one in list_incidents(require_workspace(out))] == [Stage.REMEDIATED]
    assert [file.name for file in result.hunt.files if file.harmful] == ["digits-mlp-4.pkl"]
    assert len(result.hunt.files) == 8
    assert not (out / "models/digits-mlp-4.pkl").exists()
    assert (out / "quarantine/digits-mlp-4.pkl").is_file()
    assert not (out / ".caponier/canary").exists()


def test_coverage_rests_on_trials_of_this_run(result: DemoResult) -> None:
    proven = result.after.validated
    assert proven.passed == proven.trials > 0
    assert proven.count(Status.VALIDATED) > 0
    assert all(cell.trials for cell in proven.cells if cell.status is Status.VALIDATED)
    assert sum(proven.count(status) for status in Status) == len(proven.cells)


def test_the_result_is_kept_as_json(out: Path, result: DemoResult) -> None:
    kept = json.loads((out / "result.json").read_text())
    assert kept["schema"] == "caponier.demo/2"
    assert kept["passed"] is True
    assert kept["attackers"] == kept["attackers_flagged"] == 3
    assert kept["attacks"] == json.loads(json.dumps([who.to_dict() for who in result.attackers]))
    assert (out / "report.html").is_file()


def test_whoever_watches_is_told_of_every_stage(result: DemoResult, heard: Heard) -> None:
    assert list(result.seconds) == [name for name in heard.stages if ": " not in name]
    serving = "Serving 54 benign users"
    assert heard.steps[serving] == heard.totals[heard.stages.index(serving)] == 54 * 200
    assert result.total_seconds > 0


def test_scanning_the_log_again_gives_the_same_findings(out: Path, result: DemoResult) -> None:
    again = scan_inference([out / "logs/traffic.jsonl"], workspace=load_workspace(out))
    assert {finding.finding_id for finding in again.findings} == {finding.finding_id for finding in result.findings}


def test_the_replay_agrees_with_the_scan(result: DemoResult, seen: Replay) -> None:
    for finding in result.findings:
        queries = seen.queries[finding.subject.id]
        evidence, scores = finding.evidence, queries.scores[finding.detector]
        assert evidence.age <= finding.unique_queries
        assert scores[evidence.age - 1] == evidence.value
        if evidence.age <= SHOWN:
            alone = seen.thresholds[finding.detector][evidence.age - 1]
            assert max(1.0, evidence.threshold) == pytest.approx(min(alone, evidence.value))
    for attacker in result.attackers:
        first = {
            finding.detector: finding.unique_queries
            for finding in sorted(result.findings, key=lambda finding: finding.last_time, reverse=True)
            if finding.subject.id == attacker.principal
        }
        assert {name: at for name, at in attacker.noticed.items() if at <= 200} == {
            name: at for name, at in first.items() if attacker.noticed[name] <= 200
        }


def test_the_replay_holds_every_query_with_its_answer(result: DemoResult, seen: Replay) -> None:
    for attacker in result.attackers:
        queries = seen.queries[attacker.principal]
        assert len(queries.inputs) == len(queries.labels) == len(queries.scores["novelty"])
        if attacker.attempts == 1 and attacker.evasion:
            # A detector remembers so many queries, and takes a repeat of an older one for something new.
            assert attacker.outcome.unique_queries <= len(queries.labels) <= attacker.queries
            np.testing.assert_array_equal(queries.inputs[0], attacker.evasion.original)
            assert queries.labels[0] == str(attacker.evasion.original_label)


def test_the_replay_does_not_depend_on_how_the_log_was_cut(
    out: Path, seen: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "BATCH_ROWS", 97)
    workspace = require_workspace(out)
    section = Baseline.load(out / "digits-mlp.safetensors").models[0]
    cut = replay(out / "logs/traffic.jsonl", section, workspace.detect, read_salt(workspace))
    assert cut.queries.keys() == seen.queries.keys()
    for who, queries in seen.queries.items():
        for name, scores in queries.scores.items():
            np.testing.assert_array_equal(cut.queries[who].scores[name], scores)


def test_a_second_run_replaces_the_first_and_counts_the_same(
    result: DemoResult, tmp_path_factory: pytest.TempPathFactory
) -> None:
    again = second_run(tmp_path_factory)
    assert (again.out / NOTES).read_text() == "mine"
    # What was made up must not get among what is real.
    assert not again.store.exists()
    assert len(list_findings(require_workspace(again.out))) == len(again.result.hunt.findings)
    assert counts(again.result) == counts(result)


def counts(result: DemoResult) -> dict[str, object]:
    plain = result.to_dict()
    benign = [{name: value for name, value in share.items() if name != "latency_ms"} for share in plain["habits"]]
    findings = [(finding.detector, finding.subject, finding.unique_queries) for finding in result.findings]
    names = ("served", "calibration", "attacks", "events", "certainty")
    return {name: plain[name] for name in names} | {"habits": benign, "findings": findings}


def test_another_folder_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="something else"):
        run_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_did_not_go_as_it_must_is_said(result: DemoResult) -> None:
    unnoticed = dataclasses.replace(result.attackers[0], noticed={}, findings=0)
    failed = dataclasses.replace(
        result.attackers[2], outcome=dataclasses.replace(result.attackers[2].outcome, success=False)
    )
    bothered = dataclasses.replace(result.benign[0], flagged=1, refused=2)
    bad = dataclasses.replace(
        result, attackers=(unnoticed, failed), benign=(bothered, *result.benign[1:]), skipped=("novelty: lost",)
    )
    said = "\n".join(bad.problems)
    assert "Jacobian-based augmentation was not flagged" in said
    assert "Boundary attack did not succeed" in said
    assert f"1 benign of 1 with the habit {bothered.habit} flagged" in said
    assert f"2 of the habit {bothered.habit} were refused" in said
    assert "skipped novelty: lost" in said
    assert bad.to_dict()["passed"] is False
