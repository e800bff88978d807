from dataclasses import replace
from datetime import UTC, datetime

import pytest

from caponier import __version__
from caponier.app.coverage.detectors import DetectorCard, DetectorKind, EmulationCard
from caponier.app.validate.proofs.proof import ControlCheck, Pair, ProofRun, trial
from caponier.matrix.technique import TechniqueId

ATLAS, EVASION, OTHER = (
    TechniqueId("atlas", "AML.T0043.001"),
    TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    TechniqueId("amltm-2020", "AMLTM.EXFIL.02"),
)
PAIR = Pair(
    DetectorCard("iterative_query", DetectorKind.EVENT, (ATLAS, EVASION), ("hop_skip_jump",), ("poller", "camera")),
    EmulationCard("hop_skip_jump", DetectorKind.EVENT, "", (EVASION, OTHER)),
)
SILENT = {"poller": ControlCheck(4, 0), "camera": ControlCheck(4, 0)}
RUN = ProofRun(PAIR, "digits-mlp", 0, True, True, SILENT, {"queries_to_first_finding": 8, "recall": 0.9})
NOW = datetime(2026, 1, 5, tzinfo=UTC)


def test_a_trial_shows_what_both_the_detector_and_the_emulation_name() -> None:
    made = trial("v-1-000", [RUN], NOW)
    assert made.techniques == (EVASION,)
    assert (made.control, made.caponier_version, made.passed) == ("poller, camera", __version__, True)


def test_one_missed_seed_spoils_the_trial() -> None:
    made = trial("v-1-000", [RUN, replace(RUN, seed=1, detected=False)], NOW)
    assert made.missed
    assert made.figures["succeeded"] == 2
    assert made.figures["detected"] == 1


def test_an_attack_that_failed_at_one_seed_is_no_miss_there() -> None:
    made = trial("v-1-000", [RUN, replace(RUN, seed=1, succeeded=False, detected=False)], NOW)
    assert made.passed
    assert made.figures["succeeded"] == 1


def test_an_attack_that_never_succeeded_proves_nothing_even_if_it_was_seen() -> None:
    made = trial("v-1-000", [replace(RUN, succeeded=False)], NOW)
    assert not made.attack_succeeded
    assert not made.detected
    assert not made.passed
    assert not made.missed


@pytest.mark.parametrize("noisy", ["poller", "camera"])
def test_one_noisy_control_at_one_seed_spoils_the_trial(noisy: str) -> None:
    loud = replace(RUN, seed=1, controls={**SILENT, noisy: ControlCheck(4, 1)})
    made = trial("v-1-000", [RUN, loud], NOW)
    assert not made.control_silent
    assert not made.passed
    assert made.figures["controls"][noisy] == {"checked": 8, "flagged": 1}


def test_without_a_control_nothing_is_validated() -> None:
    made = trial("v-1-000", [replace(RUN, controls={})], NOW)
    assert made.detected
    assert not made.control_silent
    assert not made.passed


def test_figures_name_the_worst_of_the_seeds_where_the_attack_succeeded() -> None:
    worse = replace(RUN, seed=1, figures={"queries_to_first_finding": 12, "recall": 0.8})
    failed = replace(RUN, seed=2, succeeded=False, figures={"queries_to_first_finding": 99, "recall": 0.1})
    made = trial("v-1-000", [RUN, worse, failed], NOW)
    assert made.figures["worst"] == {"queries_to_first_finding": 12, "recall": 0.8}
    assert [one["seed"] for one in made.figures["by_seed"]] == [0, 1, 2]


def test_context_at_one_seed_is_all_that_may_be_said() -> None:
    finding, context = (replace(RUN, figures={"seen_as": how}) for how in ("finding", "context of an incident"))
    assert trial("v-1-000", [finding], NOW).figures["seen_as"] == "finding"
    assert trial("v-1-000", [finding, context], NOW).figures["seen_as"] == "context of an incident"
