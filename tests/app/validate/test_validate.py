"""A small world with one seed, in which every kind of detector is held against an attack that is carried out."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from caponier import __version__
from caponier.app.coverage import detectors as coverage
from caponier.app.coverage.cover import cover
from caponier.app.coverage.detectors import DetectorKind, detectors
from caponier.app.validate.lab.proving_ground import Scale
from caponier.app.validate.proofs import artifacts
from caponier.app.validate.validate import ValidationReport, _chosen, _pairs, validate
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.coverage.heat_map import Status
from caponier.coverage.log_emulations import log_emulations
from caponier.detect.artifact import Judgement, Verdict
from caponier.detect.artifacts.unsafe_code import UnsafeCode
from caponier.detect.datasets.label_noise import LabelNoise
from caponier.detect.events.iterative_query import IterativeQuery
from caponier.emulate.registry import files
from caponier.errors import CaponierError, InputError, MissingExtraError
from caponier.records.inventory import Workspace
from caponier.records.trial import Trial
from caponier.store import audit
from caponier.store.database import open_store
from once import once

pytestmark = pytest.mark.slow

SMALL = Scale(seeds=(0,), users=130, queries=60, look_alikes=1, alpha=0.02)
ONE_OF_EACH = ("hop_skip_jump", "uniform_flips", "plain_pickle_attack", "stolen_account", "weight_outlier")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ValidationReport:
    pytest.importorskip("torch")
    return once(tmp_path_factory, "validation", lambda _: validate(only=ONE_OF_EACH, scale=SMALL))


def only_trial(report: ValidationReport, detector: str) -> Trial:
    (found,) = (trial for trial in report.trials if trial.detector == detector)
    return found


def test_every_kind_of_detector_passes_its_trial(report: ValidationReport) -> None:
    assert [trial for trial in report.trials if not trial.passed] == []
    kinds = {card.name: card.kind for card in detectors()}
    assert {kinds[trial.detector] for trial in report.trials} == set(DetectorKind)
    assert {trial.caponier_version for trial in report.trials} == {__version__}
    assert report.failed == report.inconclusive == report.skipped == ()
    assert not report.recorded


def test_an_attack_goes_through_a_guard_which_sees_it_inline(report: ValidationReport) -> None:
    (run,) = only_trial(report, "iterative_query").figures["by_seed"]
    assert run["queries_to_first_finding"] < 60
    assert run["findings_inline"] == run["findings"] > 0
    assert run["attack"]["final_distance"] < run["attack"]["first_distance"] / 2


def test_every_control_of_a_detector_is_checked(report: ValidationReport) -> None:
    for card in detectors():
        for trial in report.trials:
            if trial.detector == card.name:
                assert tuple(trial.figures["controls"]) == card.controls
                assert all(check["checked"] > 0 for check in trial.figures["controls"].values())


def test_data_set_trials_say_how_much_was_found(report: ValidationReport) -> None:
    worst = only_trial(report, "label_noise").figures["worst"]
    assert worst["recall"] > 0.75
    assert worst["precision"] > 0.8


def test_what_is_silent_until_it_joins_an_incident_is_told_apart(report: ValidationReport) -> None:
    assert only_trial(report, "sigma:mail_phishing_delivered").figures["seen_as"] == "context of an incident"
    assert only_trial(report, "sigma:login_then_export").figures["seen_as"] == "finding"


def test_a_rule_without_a_story_is_listed(report: ValidationReport, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {rule: stories for rule, stories in log_emulations().items() if rule != "ml_image_push"}
    monkeypatch.setattr(coverage, "log_emulations", lambda: told)
    detectors.cache_clear()
    try:
        whole = validate(only=("sigma:ml_image_push",), scale=SMALL)
    finally:
        detectors.cache_clear()
    assert whole.trials == ()
    assert whole.unproven == ("sigma:ml_image_push",)
    assert report.unproven == ()


def test_a_name_that_nothing_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="hop_skip_jump"):
        validate(only=("hop_skip_jmp",))


def test_the_name_of_a_detector_and_of_its_emulation_choose_the_same() -> None:
    by_emulation, by_detector = (
        [(pair.detector.name, pair.emulation.name) for pair in _pairs(_chosen([one]), [one])]
        for one in ("steered_feedback", "feedback_skew")
    )
    assert by_emulation == by_detector == [("feedback_skew", "steered_feedback")]


def test_what_takes_a_model_that_learns_is_played_in_process() -> None:
    report = validate(only=["steered_feedback"], scale=Scale(seeds=(0,)))
    (found,) = report.trials
    assert (found.detector, found.emulation, found.target) == ("feedback_skew", "steered_feedback", "digits-learner")
    assert found.passed
    assert found.figures["by_seed"][0]["attackers_found"] == 5
    assert report.skipped == ()


def test_a_sponge_is_seen_by_what_its_answers_cost() -> None:
    found = validate(only=("sponge",), scale=SMALL)
    (trial,) = found.trials
    assert trial.passed, trial.figures
    assert not found.skipped


def test_nothing_is_left_behind(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # PyTorch makes a cache of its own among temporary files when a process needs it first, and keeps it.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("torch")))
    validate(only=("plain_pickle_attack", "stolen_account"), scale=SMALL)
    assert list(tmp_path.iterdir()) == []


# What must not be hidden: a detector that sees nothing, one that accuses everybody, and an attack that fails.


def test_a_blind_detector_over_data_sets_is_recorded_as_missing_the_attack() -> None:
    judge = LabelNoise.analyse
    with patch.object(LabelNoise, "analyse", lambda self, rows: replace(judge(self, rows), reasons=(), sources=())):
        report = validate(only=("uniform_flips",), scale=SMALL)
    (trial,) = report.failed
    assert trial.missed
    assert not trial.passed


def test_a_blind_detector_over_events_is_recorded_as_missing_the_attack() -> None:
    def blind(self: IterativeQuery, params: Any, state: Any, batch: Any) -> Any:
        after, scores = score(self, params, state, batch)
        return after, scores * 0

    score = IterativeQuery.score
    with patch.object(IterativeQuery, "score", blind):
        report = validate(only=("hop_skip_jump",), scale=SMALL, guard=None)
    (trial,) = report.failed
    assert (trial.detector, trial.missed) == ("iterative_query", True)


def test_a_detector_that_accuses_real_files_is_recorded_as_noisy() -> None:
    accusation = Judgement(Verdict.UNSAFE, "anything", ("looks odd",), 0.9)
    with patch.object(UnsafeCode, "judge", lambda *_: accusation):
        report = validate(only=("plain_pickle_attack",), scale=SMALL)
    (trial,) = report.failed
    assert trial.detected
    assert not trial.control_silent
    assert all(check["flagged"] == check["checked"] for check in trial.figures["controls"].values())


def test_an_attack_that_fails_proves_nothing() -> None:
    with patch("caponier.emulate.poison.WORSE", 1.0):
        report = validate(only=("uniform_flips",), scale=SMALL)
    assert report.failed == ()
    (trial,) = report.inconclusive
    assert not trial.passed


def test_a_scan_that_runs_a_file_ends_the_validation() -> None:
    scan: Callable[..., Any] = artifacts.scan_artifact

    def loading(paths: Sequence[Path], **rest: Any) -> Any:
        (paths[0].parent.parent / "canary").touch()
        return scan(paths, **rest)

    with patch.object(artifacts, "scan_artifact", loading), pytest.raises(CaponierError, match="ran the code"):
        validate(only=("plain_pickle_attack",), scale=SMALL)


def test_what_cannot_be_made_is_listed_and_the_rest_is_done() -> None:
    torch = type(files()["torch_checkpoints"])
    with patch.object(torch, "write", side_effect=MissingExtraError("needs torch")):
        report = validate(only=("plain_pickle_attack",), scale=SMALL)
    assert [skip.what for skip in report.skipped] == ["torch_checkpoints"]
    (trial,) = report.trials
    assert trial.control == "sklearn_models, plain_data"


# Kept in a workspace, and what coverage makes of it.


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path / "home")
    made = load_workspace(tmp_path / "home")
    assert made is not None
    return made


def test_trials_are_kept_with_one_audit_row(workspace: Workspace) -> None:
    report = validate(only=("plain_pickle_attack", "stolen_account"), scale=SMALL, workspace=workspace)
    assert report.recorded
    with open_store(workspace.store) as store, store.read() as connection:
        newest, *others = audit.rows(connection)
        assert audit.verify(connection).ok
    assert (newest.action, newest.object) == ("validation.recorded", report.run_id)
    assert newest.details["trials"] == newest.details["passed"] == len(report.trials)
    assert "validation.recorded" not in [row.action for row in others]


def test_no_cell_is_validated_without_an_attack_and_its_control_on_this_version(workspace: Workspace) -> None:
    assert Status.VALIDATED not in {cell.status for cell in cover(workspace)}
    report = validate(only=("plain_pickle_attack", "stolen_account"), scale=SMALL, workspace=workspace)
    validated = [cell for cell in cover(workspace) if cell.status is Status.VALIDATED]
    shown = {id_.id for trial in report.trials for id_ in trial.techniques}
    twins = {cell.technique.same_as for cell in validated} - {None}
    assert {"AMLTM.EXEC.01.02", "AMLTM.INIT.02", "AMLTM.EXFIL.03"} <= {cell.technique.id for cell in validated}
    for cell in validated:
        assert cell.technique.id in shown | twins
        proofs = [trial for trial in cell.trials if trial.passed]
        assert proofs
        for trial in proofs:
            assert trial.attack_succeeded
            assert trial.control
            assert trial.control_silent
            assert trial.caponier_version == __version__
    with patch("caponier.app.coverage.cover.__version__", "99.0"):
        assert Status.VALIDATED not in {cell.status for cell in cover(workspace)}


def test_a_validation_that_failed_validates_nothing(workspace: Workspace) -> None:
    with patch.object(UnsafeCode, "judge", lambda *_: Judgement(Verdict.CLEAN, "anything")):
        validate(only=("plain_pickle_attack",), scale=SMALL, workspace=workspace)
    cells = {cell.technique.id: cell for cell in cover(workspace)}
    assert cells["AMLTM.EXEC.01.02"].status is Status.DECLARED
    assert cells["AMLTM.EXEC.01.02"].why == "unsafe_code missed plain_pickle_attack on model files"
