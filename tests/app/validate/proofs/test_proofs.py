"""What each kind of proof takes for a detection; the whole of them is in test_validate.py."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest

from caponier.app.coverage.detectors import detectors, emulation
from caponier.app.progress import Silent
from caponier.app.validate.lab.event_attack import AttackSummary
from caponier.app.validate.lab.proving_ground import ProvingGround, Scale, Target
from caponier.app.validate.proofs.artifacts import prove_artifacts
from caponier.app.validate.proofs.datasets import prove_datasets
from caponier.app.validate.proofs.events import _lost, first_found
from caponier.app.validate.proofs.logs import prove_logs
from caponier.app.validate.proofs.proof import Pair
from caponier.detect.artifact import Judgement, Verdict
from caponier.detect.artifacts.unsafe_code import UnsafeCode
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.datasets.label_noise import LabelNoise
from caponier.emulate.event_log import Deployment
from caponier.emulate.outcome import Stop
from caponier.emulate.scenarios.stolen_account import StolenAccount
from caponier.emulate.victims.digits import Victim
from caponier.matrix.technique import TechniqueId
from caponier.records.finding import Finding, SubjectRef
from demo.made_up_demo import finding

pytestmark = pytest.mark.slow


def pair(detector: str, name: str, controls: tuple[str, ...] | None = None) -> Pair:
    card = next(card for card in detectors() if card.name == detector)
    return Pair(card if controls is None else replace(card, controls=controls), emulation(name))


@pytest.fixture
def ground(tmp_path: Path) -> ProvingGround:
    return ProvingGround(tmp_path, 0, Scale())


def events(*rows: tuple[str, str, list[float] | None]) -> pa.Table:
    names, ids, inputs = zip(*rows, strict=True)
    columns = {"time": range(len(rows)), "principal": names, "event_id": ids}
    return pa.table({**columns, "input": pa.array(inputs, pa.list_(pa.float32()))})


def about(*event_ids: str) -> Finding:
    made = finding("iterative_query", SubjectRef("principal", "mallory"), (TechniqueId("atlas", "AML.T0043.001"),), 0)
    return replace(made, event_ids=event_ids)


def test_different_queries_of_the_attacker_are_counted_up_to_the_trigger() -> None:
    log = events(
        ("mallory", "e-0", [1.0]),
        ("alice", "e-1", [7.0]),
        ("mallory", "e-2", [1.0]),
        ("mallory", "e-3", [2.0]),
        ("mallory", "e-4", [3.0]),
    )
    later, sooner = about("e-0", "e-4"), about("e-2", "e-3")
    first = first_found(log, frozenset({"mallory"}), [later, sooner])
    assert first == {"queries_to_first_finding": 2, "requests_to_first_finding": 3}
    assert first_found(log, frozenset({"mallory"}), []) == {}


def test_what_set_off_a_finding_about_like_queries_may_be_another_callers() -> None:
    log = events(("mallory", "e-0", [1.0]), ("mallory", "e-2", [2.0]), ("alice", "e-3", [2.1]))
    assert first_found(log, frozenset({"mallory"}), [about("e-0", "e-2", "e-3")])["queries_to_first_finding"] == 2


def test_requests_that_were_not_recorded_are_listed() -> None:
    victim = Victim("mlp", lambda rows: rows, 1.0)
    target = Target(Deployment("digits-mlp"), victim, Baseline(), ())
    attack = AttackSummary("flood", ("flood-0-0",), True, 3, Stop.FINISHED, {}, 1.0)
    log = events(("k-1", "e-0", None), ("k-1", "e-1", None))
    (lost,) = _lost(target, [attack], log)
    assert (lost.what, lost.reason) == ("digits-mlp: 1 of 3 requests", "were not recorded")
    assert list(_lost(target, [replace(attack, queries=2)], log)) == []


def test_one_file_that_passes_as_harmless_is_a_miss(ground: ProvingGround) -> None:
    judge, seen = UnsafeCode.judge, []

    def lenient(self: UnsafeCode, content: memoryview, limits: Any) -> Judgement:
        seen.append(content)
        return Judgement(Verdict.CLEAN, "pickle") if len(seen) == 1 else judge(self, content, limits)

    wanted = pair("unsafe_code", "plain_pickle_attack", controls=())
    with patch.object(UnsafeCode, "judge", lenient):
        (run,) = prove_artifacts([wanted], ground, Silent(), [])
    assert run.succeeded
    assert not run.detected
    assert 0 < run.figures["unsafe_share"] < 1


def test_a_finding_that_names_mostly_good_rows_has_not_found_the_poison(ground: ProvingGround) -> None:
    analyse = LabelNoise.analyse

    def wild(self: LabelNoise, rows: Any) -> Any:
        found = analyse(self, rows)
        return replace(
            found, flagged=np.ones(len(found.flagged), bool), suggested=np.zeros(len(found.flagged), np.int64)
        )

    with patch.object(LabelNoise, "analyse", wild):
        (run,) = prove_datasets([pair("label_noise", "uniform_flips", controls=())], ground, Silent())
    assert run.succeeded
    assert run.figures["recall"] == 1.0
    assert run.figures["precision"] == pytest.approx(0.1)
    assert not run.detected


def test_a_rule_that_matches_only_others_than_the_thief_has_missed_the_story(ground: ProvingGround) -> None:
    attack = StolenAccount.attack
    with patch.object(StolenAccount, "attack", lambda self, seed: replace(attack(self, seed), actor="somebody else")):
        (run,) = prove_logs([pair("sigma:model_bulk_read", "stolen_account")], ground, Silent(), [])
    assert run.succeeded
    assert not run.detected


def test_context_that_joins_no_incident_is_no_detection(ground: ProvingGround) -> None:
    wanted = pair("sigma:mail_phishing_delivered", "stolen_account")
    (seen,) = prove_logs([wanted], ground, Silent(), [])
    assert (seen.detected, seen.figures["seen_as"]) == (True, "context of an incident")
    with patch("caponier.app.validate.proofs.logs._joined", return_value=set()):
        (run,) = prove_logs([wanted], ground, Silent(), [])
    assert not run.detected


def test_a_story_without_its_theft_has_not_succeeded(ground: ProvingGround) -> None:
    with patch.object(StolenAccount, "attack", StolenAccount.control):
        (run,) = prove_logs([pair("sigma:model_bulk_read", "stolen_account")], ground, Silent(), [])
    assert not run.succeeded
    assert not run.detected
