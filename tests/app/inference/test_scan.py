import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.inference.event_files import START, FirstFeature, log, only, rows, users
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.calibration.baseline import Baseline, ModelBaseline
from caponier.detect.calibration.judging import FEWEST
from caponier.detect.detector import Signal
from caponier.detect.registry import event_detectors
from caponier.emulate.registry import attacks, campaigns, newcomers, probes
from caponier.errors import InputError
from caponier.matrix.technique import Color
from caponier.plugins import Discovery, Unavailable
from caponier.records.accused import accused
from caponier.records.alert_budget import AlertBudget
from caponier.records.finding import Basis, Finding, Severity
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.records.skip import Skip
from conftest import ALPHA, RUNS, USERS, World, world_of

SPEC = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0)
LOUD: dict[str, Any] = {"input": lambda i: [120, i % 127]}
CALM: dict[str, Any] = {"input": lambda i: [i % 7, i % 127]}


def baseline_of(tmp_path: Path, n: int = 60, **columns: Any) -> Baseline:
    """Learn from n calm users, none of whom passes 6."""
    file = log(tmp_path, users(n, **CALM | columns), name="benign.jsonl")
    return build_baseline([file], spec=SPEC).baseline


def section_of(baseline: Baseline) -> ModelBaseline:
    (section,) = baseline.models
    return section


def needing(signal: Signal) -> set[str]:
    return {name for name, detector in event_detectors().items() if signal in detector.needs}


def home(tmp_path: Path, text: str = "") -> Workspace:
    file = create_workspace(tmp_path)
    file.write_text(text)
    return require_workspace(file)


def said(report: ScanReport) -> str:
    return "\n".join([*report.notes, *(f"{skip.what}: {skip.reason}" for skip in report.skipped)])


class TestFindings:
    @pytest.fixture
    def finding(self, tmp_path: Path) -> Finding:
        with only(FirstFeature(), 1e9):
            baseline = baseline_of(tmp_path)
            loud = rows(6, 900, principal="bad", event_id=lambda i: f"e-{i}", model_version="3", **LOUD)
            report = scan_inference([log(tmp_path, users(9, **CALM), loud)], baseline)
        (finding,) = report.findings
        return finding

    def test_it_says_who_did_what_and_when(self, finding: Finding) -> None:
        assert (finding.detector, finding.model, finding.model_version) == ("first_feature", "m", "3")
        assert (finding.subject.kind, finding.subject.id) == ("principal", "bad")
        assert (finding.trigger_event_id, finding.event_ids, finding.unique_queries) == ("e-900", ("e-900",), 1)
        assert finding.first_time == finding.last_time > START
        assert finding.summary == "1 queries"

    def test_it_says_what_it_rests_on_and_how_many_benign_callers_come_as_high(self, finding: Finding) -> None:
        evidence = finding.evidence
        assert (evidence.statistic, evidence.value) == ("queries", 120.0)
        assert 6 < evidence.threshold < 120
        assert (evidence.above, evidence.of, evidence.age, evidence.basis) == (0, 60, 1, Basis.ESTIMATE)
        assert evidence.share is not None
        assert evidence.share < 0.01
        assert evidence.expected is not None
        assert evidence.expected.benign == pytest.approx(evidence.share * 60 * 7, abs=1e-3)
        assert evidence.expected.low <= evidence.expected.benign <= evidence.expected.high

    def test_somebody_is_told_at_once_of_what_is_within_the_budget(self, tmp_path: Path) -> None:
        with only(FirstFeature(), 1e9):
            baseline = baseline_of(tmp_path)
            file = log(tmp_path, rows(3, 900, principal="bad", **LOUD))
            told = [
                [one.notify for one in scan_inference([file], baseline, alert_budget=budget).findings]
                for budget in (None, AlertBudget(per_week=1e-9), AlertBudget(bound=1e-9))
            ]
        assert told == [[True], [False], [False]]

    def test_it_names_techniques_and_what_they_harm(self, finding: Finding) -> None:
        assert [technique.matrix for technique in finding.techniques] == ["atlas", "amltm-2020"]
        assert all(technique.name for technique in finding.techniques)
        assert finding.techniques[1].color is Color.ORANGE
        assert finding.harms == ("integrity",)

    def test_confidence_is_that_of_the_rank_within_the_cap(self, finding: Finding) -> None:
        assert finding.confidence == 0.39
        assert finding.severity is Severity.LOW

    def test_it_survives_json(self, finding: Finding) -> None:
        assert Finding.from_dict(finding.to_dict()) == finding

    def test_its_id_depends_on_what_was_seen_and_not_on_the_baseline(self, world: World) -> None:
        one = scan_inference([world.some], world.baseline.baseline)
        cold = scan_inference([world.some])
        both = {f.finding_id for f in one.findings} & {f.finding_id for f in cold.findings}
        triggers = {(f.detector, f.subject.id, f.trigger_event_id) for f in one.findings}
        assert both == {
            f.finding_id for f in cold.findings if (f.detector, f.subject.id, f.trigger_event_id) in triggers
        }

    def test_a_replay_finds_the_same(self, world: World, some_scan: ScanReport) -> None:
        again = scan_inference([world.some], world.baseline.baseline, workspace=world.workspace)
        assert again.findings == some_scan.findings

    def test_events_without_an_id_get_one_of_their_content(self, tmp_path: Path) -> None:
        part = rows(3, **LOUD)
        with only(FirstFeature(), 100.0):
            first = scan_inference([log(tmp_path, part)], spec=SPEC).findings
            moved = scan_inference([log(tmp_path, rows(2, -5, principal="x"), part)], spec=SPEC).findings
        assert first[0].trigger_event_id.startswith("e-")
        assert [f.finding_id for f in first] == [f.finding_id for f in moved]

    def test_real_attackers_are_found_and_hardly_anybody_else(self, world: World, attacked_scan: ScanReport) -> None:
        suspects = {who for finding in attacked_scan.findings for who in accused(finding)}
        speaking = [detector for name, detector in event_detectors().items() if world_of(name) != "enriched"]
        claimed = {name for detector in speaking for name in detector.emulations}
        kinds = {*attacks(), *campaigns(), *probes()}
        attackers = {who for who in world.events["principal"].to_pylist() if who.split("-")[0] in kinds}
        # Some attacks no detector claims to see; they are no false alarms either. Who shares one has several accounts.
        runs = {tuple(who.split("-")[:2]) for who in attackers if who.split("-")[0] in claimed}
        assert len(runs) == RUNS * len(claimed & kinds)
        assert runs <= {tuple(who.split("-")[:2]) for who in suspects}
        # Newcomers are of kinds that the baseline does not know; who of them must be left alone, each detector says.
        users = {who for who in suspects - attackers if who.split("-")[0] not in newcomers()}
        assert len(users) <= ALPHA * USERS, sorted(users)

    def test_the_rarest_come_first(self, attacked_scan: ScanReport) -> None:
        order = [
            (-one.severity.rank, one.evidence.expected.benign if one.evidence.expected else 0.0)
            for one in attacked_scan.findings
        ]
        assert order == sorted(order)


class TestSubjects:
    @pytest.mark.parametrize(
        ("columns", "kind", "name"),
        [({"session": "s"}, "session", "s"), ({"source_ip": "1.2.3.4", "user_agent": "x"}, "address", "1.2.3.4 x")],
    )
    def test_a_session_or_address_lowers_the_confidence_and_it_is_said(
        self, columns: dict[str, str], kind: str, name: str, tmp_path: Path
    ) -> None:
        with only(FirstFeature(), 100.0):
            (named,) = scan_inference([log(tmp_path, rows(3, **LOUD))], spec=SPEC).findings
            (other,) = scan_inference([log(tmp_path, rows(3, principal=None, **columns, **LOUD))], spec=SPEC).findings
        assert (other.subject.kind, other.subject.id) == (kind, name)
        assert other.confidence == pytest.approx(0.8 * named.confidence, abs=0.01)
        assert f"the {kind} stands for it" in other.summary
        assert "stands for it" not in named.summary

    def test_a_principal_and_a_session_of_one_name_are_two(self, tmp_path: Path) -> None:
        mixed = log(tmp_path, rows(3, principal="x", **LOUD), rows(3, 9, principal=None, session="x", **LOUD))
        with only(FirstFeature(), 100.0):
            found = scan_inference([mixed], spec=SPEC).findings
        assert [finding.subject.kind for finding in found] == ["principal", "session"]
        assert len({finding.finding_id for finding in found}) == 2


class TestGaps:
    def test_without_a_baseline_it_says_so(self, world: World) -> None:
        report = scan_inference([world.few])
        assert [note for note in report.notes if note.startswith("digits: iterative_query ")]
        assert "digits: novelty" in {skip.what for skip in report.skipped}

    def test_a_cold_start_is_named_in_its_findings(self, world: World) -> None:
        found = scan_inference([world.some]).findings
        assert found
        assert {(f.evidence.basis, f.evidence.of, f.evidence.above) for f in found} == {(Basis.COLD_START, 0, 0)}
        assert {finding.confidence for finding in found} == {0.5}

    @pytest.mark.parametrize(
        ("column", "silent", "hint"),
        [
            ("principal", set(event_detectors()), "log a principal, a session or at least the address"),
            ("input", needing(Signal.INPUT), "log the inputs"),
            ("label", needing(Signal.LABEL), "log the model's answers"),
            ("scores", needing(Signal.SCORES), "log the model's class scores"),
            ("cost", needing(Signal.COST), "log what a request costs"),
            ("feedback", needing(Signal.FEEDBACK), "log the labels that callers send back"),
        ],
    )
    def test_a_log_that_lacks_something_says_who_cannot_speak_and_what_to_switch_on(
        self, column: str, silent: set[str], hint: str, world: World, tmp_path: Path
    ) -> None:
        table = pq.read_table(world.few)
        if column == "principal":
            table = table.drop_columns(["source_ip"])
        pq.write_table(table.drop_columns([column]), tmp_path / "log.parquet")
        # As strict as two false alerts a week are here.
        strict = Baseline((replace(section_of(world.baseline.baseline), alpha=0.001),))
        report = scan_inference([tmp_path / "log.parquet"], strict)
        told = [skip.what for skip in report.skipped if hint in skip.reason]
        told += [note.split(" does not run")[0] for note in report.notes if hint in note and " does not run" in note]
        assert {what.removeprefix("digits: ") for what in told} == silent
        assert not report.findings

    def test_events_of_nobody_are_counted(self, tmp_path: Path) -> None:
        report = scan_inference([log(tmp_path, users(3), rows(2, 99, principal=None))])
        assert "m: 2 of 14 events: nobody is named" in said(report)

    def test_a_small_baseline_is_a_cold_start(self, tmp_path: Path) -> None:
        baseline = build_baseline([log(tmp_path, users(FEWEST - 1))]).baseline
        report = scan_inference([log(tmp_path, users(3))], baseline)
        (cold,) = [note for note in report.notes if note.startswith("m: iterative_query ")]
        (silent,) = [skip.reason for skip in report.skipped if skip.what == "m: novelty"]
        assert {re.search(r"\d+ benign callers .*\d+", one)[0] for one in (cold, silent)} == {  # type: ignore[index]
            f"{FEWEST} benign callers to compare with, but the baseline has {FEWEST - 1}"
        }

    def test_a_baseline_of_another_model_is_none(self, tmp_path: Path) -> None:
        baseline = build_baseline([log(tmp_path, users(60))]).baseline
        report = scan_inference([log(tmp_path, users(3, model="other"))], baseline)
        assert [note for note in report.notes if note.startswith("other: iterative_query ")]

    @pytest.mark.parametrize(("version", "word"), [("2", "version 2"), (None, "version unknown")])
    def test_a_baseline_of_another_version_says_so(self, version: str | None, word: str, tmp_path: Path) -> None:
        with only(FirstFeature(), 1e9):
            baseline = baseline_of(tmp_path, model_version="1")
            report = scan_inference([log(tmp_path, users(3, model_version=version))], baseline)
        assert f"the baseline is of version 1, most events of {word}" in said(report)

    def test_a_baseline_of_the_same_version_says_nothing(self, tmp_path: Path) -> None:
        with only(FirstFeature(), 1e9):
            baseline = baseline_of(tmp_path, model_version="1")
            report = scan_inference([log(tmp_path, users(3, model_version="1"))], baseline)
        assert said(report) == ""

    def test_a_detector_that_the_baseline_does_not_know_is_named(self, world: World) -> None:
        section = section_of(world.baseline.baseline)
        learned = {"novelty": section.detectors["novelty"]}
        report = scan_inference([world.few], Baseline((replace(section, detectors=learned),)))
        assert [note for note in report.notes if "iterative_query" in note and "without this detector" in note]

    def test_every_detector_disabled_is_no_clean_bill(self, tmp_path: Path) -> None:
        workspace = home(tmp_path, f"[detect]\ndisabled = {json.dumps(list(event_detectors()))}\n")
        assert "every detector is disabled" in said(scan_inference([log(tmp_path, users(3))], workspace=workspace))

    def test_a_model_that_cannot_be_compared_does_not_stop_the_others(self, tmp_path: Path) -> None:
        wide = rows(5, model="wide", input=lambda i: [float(i)] * 1041)
        with only(FirstFeature(), 100.0):
            report = scan_inference([log(tmp_path, rows(3, **LOUD), wide)], spec=None)
        assert "wide: 1,041 features" in said(report)
        assert report.events == 8

    def test_a_detector_that_cannot_tell_attackers_from_benign_callers_is_left_out(self, world: World) -> None:
        section = section_of(world.baseline.baseline)
        off = section.detectors | {"novelty": replace(section.detectors["novelty"], off="cannot tell anybody here")}
        report = scan_inference([world.some], Baseline((replace(section, detectors=off),)))
        assert "digits: novelty is off: it cannot tell anybody here" in report.notes
        assert not [finding for finding in report.findings if finding.detector == "novelty"]


class TestInputs:
    def test_a_log_of_63_values_where_the_baseline_has_64_is_refused(self, world: World, tmp_path: Path) -> None:
        table = pq.read_table(world.few)
        inputs = pa.array([row[:63] for row in table["input"].to_pylist()], pa.list_(pa.float32()))
        table = table.drop_columns(["input", "input_shape"]).append_column("input", inputs)
        pq.write_table(table, tmp_path / "log.parquet")
        with pytest.raises(InputError, match=r"\b64 values.*\b63\b"):
            scan_inference([tmp_path / "log.parquet"], world.baseline.baseline)

    @pytest.mark.parametrize("shape", [(), (256,)])
    def test_texts_that_nobody_described_fit_their_own_baseline(self, shape: tuple[int, ...], tmp_path: Path) -> None:
        def asked(at: int) -> dict[str, object]:
            return {"ts": 1_767_614_400 + at, "user": f"u{at % 4}", "text": f"hello {at} there", "prediction": "ham"}

        file = tmp_path / "texts.jsonl"
        file.write_text("".join(json.dumps(asked(at)) + "\n" for at in range(40)))
        (section,) = build_baseline([file]).baseline.models
        # Whoever built one before may have the one or the other.
        older = replace(section, spec=section.spec.model_copy(update={"shape": shape}))
        assert scan_inference([file], Baseline((older,))).events == 40

    def test_another_description_of_the_input_than_the_baselines_is_refused(self, world: World) -> None:
        with pytest.raises(InputError, match="built for another description") as wrong:
            scan_inference(
                [world.few], world.baseline.baseline, spec=FeatureSpec(kind="image", shape=(8, 8), minimum=0.5)
            )
        assert '"minimum":0.0' in str(wrong.value)

    def test_so_is_that_of_the_inventory(self, world: World, tmp_path: Path) -> None:
        text = '[[model]]\nname = "digits"\nfeatures = { kind = "image", shape = [8, 8] }\n'
        with pytest.raises(InputError, match="built for another description"):
            scan_inference([world.few], world.baseline.baseline, workspace=home(tmp_path, text))

    def test_rows_of_the_wrong_length_and_duplicates_are_listed_with_their_line(self, tmp_path: Path) -> None:
        twin = rows(1, 2)
        file = log(tmp_path, rows(3), twin, rows(1, 5, input=lambda _: [1.0]))
        report = scan_inference([file])
        assert [(one.line, one.reason.split(":")[0]) for one in report.rejected.first] == [
            (5, "input of the wrong length"),
            (4, "duplicate"),
        ]

    def test_an_unknown_path_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="does not exist"):
            scan_inference([tmp_path / "none.jsonl"])


class TestShare:
    def found(self, section: ModelBaseline, world: World, **change: Any) -> set[tuple[str, str]]:
        report = scan_inference([world.some], Baseline((replace(section, **change),)), workspace=world.workspace)
        return {(one.detector, who) for one in report.findings for who in accused(one)}

    def test_whoever_allows_more_benign_callers_finds_no_fewer_subjects(self, world: World) -> None:
        section = section_of(world.baseline.baseline)
        few, many = (self.found(section, world, alpha=alpha) for alpha in (0.002, 0.05))
        assert {who for _, who in few} < {who for _, who in many}

    def test_how_many_callers_come_in_a_week_decides_about_notifying_alone(self, world: World) -> None:
        section = section_of(world.baseline.baseline)
        quiet, busy = (
            scan_inference([world.some], Baseline((replace(section, callers_per_week=n),)), workspace=world.workspace)
            for n in (10.0, 100_000.0)
        )
        assert [one.finding_id for one in quiet.findings] != []
        assert {one.finding_id for one in quiet.findings} == {one.finding_id for one in busy.findings}
        assert all(one.notify for one in quiet.findings)
        assert not all(one.notify for one in busy.findings)

    def test_the_workspace_says_which_are_told_at_once(self, world: World, tmp_path: Path) -> None:
        strict = home(tmp_path, '[detect]\nalert_budget = "1/1000000"\n')
        # The baseline was built without this workspace's salt, which only tells repeats.
        report = scan_inference([world.some], world.baseline.baseline, workspace=strict)
        ranked = [one for one in report.findings if one.evidence.share is not None]
        assert ranked
        assert [one.notify for one in ranked] == [one.evidence.share <= 1e-6 for one in ranked]  # type: ignore[operator]


class TestWorkspace:
    def test_the_baselines_of_the_inventory_are_used(self, world: World, tmp_path: Path) -> None:
        (tmp_path / "b.safetensors").write_bytes(world.baseline_file.read_bytes())
        text = '[[model]]\nname = "digits"\nbaseline = "b.safetensors"\n'
        report = scan_inference([world.some], workspace=home(tmp_path, text))
        assert report.findings
        assert Basis.COLD_START not in {finding.evidence.basis for finding in report.findings}

    def test_a_baseline_of_the_inventory_that_is_not_there_is_an_error(self, world: World, tmp_path: Path) -> None:
        text = '[[model]]\nname = "digits"\nbaseline = "gone.safetensors"\n'
        with pytest.raises(InputError, match=r"gone\.safetensors"):
            scan_inference([world.few], workspace=home(tmp_path, text))

    def test_system_and_criticality_come_from_the_inventory(self, tmp_path: Path) -> None:
        text = '[[system]]\nname = "post"\ncriticality = "critical"\nmodels = ["m"]\n'
        with only(FirstFeature(), 100.0):
            report = scan_inference([log(tmp_path, rows(3, **LOUD))], workspace=home(tmp_path, text), spec=SPEC)
        (finding,) = report.findings
        assert (finding.system, finding.severity) == ("post", Severity.MEDIUM)

    def test_else_the_system_is_that_of_the_log(self, tmp_path: Path) -> None:
        with only(FirstFeature(), 100.0):
            (finding,) = scan_inference([log(tmp_path, rows(3, system="log", **LOUD))], spec=SPEC).findings
        assert (finding.system, finding.severity) == ("log", Severity.LOW)


def test_two_models_are_scanned_by_their_own_sections(tmp_path: Path) -> None:
    with only(FirstFeature(), 1e9):
        benign = log(tmp_path, users(60, **CALM), users(60, model="n", input=lambda i: [90 + i % 7, i % 127]))
        baseline = build_baseline([benign], spec=SPEC).baseline
        loud = [rows(4, 900, model=model, principal="bad", input=lambda i: [95, i % 127]) for model in "mn"]
        report = scan_inference([log(tmp_path, *loud, name="scan.jsonl")], baseline)
    assert [finding.model for finding in report.findings] == ["m"]


def test_progress_is_told_of_every_event(world: World) -> None:
    class Watch:
        stages: list[tuple[str, int | None]]
        steps: list[int]

        def __init__(self) -> None:
            self.stages, self.steps = [], []

        def stage(self, name: str, total: int | None = None) -> None:
            self.stages.append((name, total))
            self.steps.clear()

        def advance(self, steps: int) -> None:
            self.steps.append(steps)

    watch = Watch()
    report = scan_inference([world.few], world.baseline.baseline, progress=watch)
    assert watch.stages == [("Reading", None), ("Scanning", report.events)]
    assert sum(watch.steps) == report.events


DEEP = Unavailable("detector", "deep", "deep 1.0", "it needs the Python package 'torch'", "Install caponier[torch]")


def test_a_detector_that_lacks_an_extra_is_a_skip_of_scans_and_builds(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(event_detectors), "_found", Discovery(event_detectors(), {"deep": DEEP}))
    why = "it needs the Python package 'torch'. Install caponier[torch]"
    few = [event_detectors()["flood"]]
    assert Skip("deep", why) in scan_inference([world.some], detectors=few).skipped
    assert Skip("deep", why) in build_baseline([world.benign], detectors=few).skipped
    workspace = home(tmp_path, '[detect]\ndisabled = ["deep"]\n')
    assert "deep" not in {
        skip.what for skip in scan_inference([world.some], workspace=workspace, detectors=few).skipped
    }
