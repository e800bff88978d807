"""What holds for the trial of any runs, whatever they showed."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from caponier.app.coverage.detectors import DetectorCard, DetectorKind, EmulationCard
from caponier.app.validate.proofs.proof import ControlCheck, Pair, ProofRun, trial
from caponier.coverage.heat_map import Status, heat_map
from caponier.matrix.technique import TechniqueId
from caponier.records.trial import Trial

SHOWN = TechniqueId("amltm-2020", "AMLTM.EVADE.01.02")
PAIR = Pair(
    DetectorCard("iterative_query", DetectorKind.EVENT, (SHOWN,), ("hop_skip_jump",), ("poller", "camera")),
    EmulationCard("hop_skip_jump", DetectorKind.EVENT, "", (SHOWN,)),
)
NOW = datetime(2026, 1, 5, tzinfo=UTC)

checks = st.builds(ControlCheck, st.integers(1, 5), st.integers(0, 1))
one_run = st.builds(
    ProofRun,
    st.just(PAIR),
    st.just("digits-mlp"),
    st.integers(0, 9),
    st.booleans(),
    st.booleans(),
    st.dictionaries(st.sampled_from(["poller", "camera"]), checks),
    st.fixed_dictionaries({}, optional={"queries_to_first_finding": st.integers(1, 200), "recall": st.floats(0, 1)}),
)
some_runs = st.lists(one_run, min_size=1, max_size=4)


@given(some_runs)
def test_a_trial_passes_exactly_if_nothing_speaks_against_it(runs: list[ProofRun]) -> None:
    made = trial("v-1-000", runs, NOW)
    missed = any(run.succeeded and not run.detected for run in runs)
    noisy = any(check.flagged for run in runs for check in run.controls.values())
    shown = any(run.succeeded for run in runs) and any(run.controls for run in runs)
    assert made.passed == (shown and not missed and not noisy)
    assert made.missed == missed


@given(some_runs, one_run)
def test_one_more_seed_never_turns_a_failure_into_a_pass(runs: list[ProofRun], more: ProofRun) -> None:
    before, after = trial("v", runs, NOW), trial("v", [*runs, more], NOW)
    assert not (before.missed and not after.missed)
    flagged = any(check.flagged for run in runs for check in run.controls.values())
    assert not (flagged and after.control_silent)


@given(some_runs)
def test_the_order_of_seeds_does_not_matter(runs: list[ProofRun]) -> None:
    there, back = trial("v", runs, NOW), trial("v", runs[::-1], NOW)
    assert (there.passed, there.missed, there.control_silent) == (back.passed, back.missed, back.control_silent)
    assert there.figures["worst"] == back.figures["worst"]
    assert there.figures["controls"] == back.figures["controls"]


@given(some_runs)
def test_a_trial_survives_its_json_form(runs: list[ProofRun]) -> None:
    made = trial("v", runs, NOW)
    assert Trial.from_dict(made.to_dict()) == made


@given(some_runs)
def test_a_cell_is_validated_exactly_if_its_trial_passed(runs: list[ProofRun]) -> None:
    made = trial("v", runs, NOW)
    cells = {cell.technique.id: cell for cell in heat_map([PAIR.detector], [made], made.caponier_version)}
    assert (cells[SHOWN.id].status is Status.VALIDATED) == made.passed
    assert all(cell.status is not Status.VALIDATED for id_, cell in cells.items() if id_ != SHOWN.id)
