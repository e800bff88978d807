"""What a heat-map may and may not claim, over any detectors and any trials."""

from collections.abc import Sequence
from importlib import resources

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.coverage.heat_map import MATRIX, Cell, Status, heat_map, reasons
from caponier.coverage.log_emulations import log_emulations
from caponier.emulate.registry import stories
from caponier.matrix.technique import TechniqueId
from caponier.matrix.versions.catalogue import load
from caponier.records.trial import Trial
from coverage.made import IDS, NAMES, VERSION, Declared, detectors, trial, trials

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FLOOD = TechniqueId(MATRIX, "AMLTM.IMPACT.02")
FLOODER = Declared(NAMES[0], (FLOOD,))


def ids_of(cell: Cell) -> set[TechniqueId]:
    """An entry and its twins in other columns."""
    id_, twin = cell.technique.id, cell.technique.same_as
    return {TechniqueId(MATRIX, t.id) for t in load(MATRIX).techniques if t.id in (id_, twin) or t.same_as == id_}


def of(id_: str, cells: Sequence[Cell]) -> Cell:
    return next(cell for cell in cells if cell.technique.id == id_)


@few
@given(detectors=detectors, trials=trials)
def test_validated_rests_on_a_trial_that_passed_on_this_version(detectors: list[Declared], trials: list[Trial]) -> None:
    known = {detector.name: set(detector.techniques) for detector in detectors}
    for cell in heat_map(detectors, trials, VERSION):
        proofs = [t for t in trials if t.passed and t.caponier_version == VERSION and ids_of(cell) & set(t.techniques)]
        # A trial of a detector that is gone, or no longer names the entry, proves nothing.
        proofs = [t for t in proofs if ids_of(cell) & known.get(t.detector, set())]
        if cell.status is Status.VALIDATED:
            assert proofs
        if not proofs:
            assert cell.status is not Status.VALIDATED


@few
@given(detectors=detectors, trials=trials)
def test_an_entry_is_covered_exactly_if_a_detector_names_it(detectors: list[Declared], trials: list[Trial]) -> None:
    for cell in heat_map(detectors, trials, VERSION):
        naming = sorted({d.name for d in detectors if ids_of(cell) & set(d.techniques)})
        assert cell.detectors == tuple(naming)
        assert (cell.status is Status.NOT_COVERED) == (not naming)


@few
@given(detectors=detectors, trials=trials)
def test_every_cell_says_why(detectors: list[Declared], trials: list[Trial]) -> None:
    for cell in heat_map(detectors, trials, VERSION):
        assert cell.why.strip()
        if cell.status is Status.VALIDATED:
            assert " detected " in cell.why
            assert "silent on" in cell.why
        assert all(t.caponier_version == VERSION and t.detector in cell.detectors for t in cell.trials)


@few
@given(detectors=detectors, trials=trials, data=st.data())
def test_the_order_of_detectors_and_trials_is_none_of_its_business(
    detectors: list[Declared], trials: list[Trial], data: st.DataObject
) -> None:
    unlike = {(t.detector, t.emulation, t.target, t.time): t for t in trials}
    mixed = data.draw(st.permutations(list(unlike.values())))
    one = heat_map(detectors, unlike.values(), VERSION)
    other = heat_map(data.draw(st.permutations(detectors)), mixed, VERSION)
    assert [(c.technique.id, c.status, c.detectors) for c in one] == [
        (c.technique.id, c.status, c.detectors) for c in other
    ]


@few
@given(detectors=detectors, trials=trials)
def test_twins_in_two_columns_have_one_status(detectors: list[Declared], trials: list[Trial]) -> None:
    cells = heat_map(detectors, trials, VERSION)
    twins = [(cell, of(cell.technique.same_as, cells)) for cell in cells if cell.technique.same_as]
    assert twins
    assert all(one.status is other.status for one, other in twins)


@few
@given(detectors=detectors, trials=trials)
def test_parents_count_their_children(detectors: list[Declared], trials: list[Trial]) -> None:
    cells = heat_map(detectors, trials, VERSION)
    for cell in cells:
        children = [other for other in cells if other.technique.parent == cell.technique.id]
        covered = sum(child.status is not Status.NOT_COVERED for child in children)
        assert cell.children_covered == (covered, len(children))
        assert ("by itself not" in cell.why) == (cell.status is Status.NOT_COVERED and covered > 0)


@few
@given(detectors=detectors, trials=trials, name=st.sampled_from(IDS))
def test_one_more_detector_takes_nothing_away(detectors: list[Declared], trials: list[Trial], name: str) -> None:
    rank = [Status.NOT_COVERED, Status.DECLARED, Status.VALIDATED].index
    before = heat_map(detectors, trials, VERSION)
    after = heat_map([*detectors, Declared("newcomer", (TechniqueId(MATRIX, name),))], trials, VERSION)
    assert all(rank(old.status) <= rank(new.status) for old, new in zip(before, after, strict=True))
    assert of(name, after).status is not Status.NOT_COVERED


@few
@given(detectors=detectors, trials=trials)
def test_another_versions_trials_do_not_count(detectors: list[Declared], trials: list[Trial]) -> None:
    cells = heat_map(detectors, trials, "2.0")
    assert not any(cell.trials or cell.status is Status.VALIDATED for cell in cells)
    assert {cell.why for cell in cells if cell.status is Status.DECLARED} <= {"no trial on this version"}


@pytest.mark.parametrize("change", [{"detected": False}, {"control_silent": False}, {"attack_succeeded": False}])
def test_what_passed_once_and_fails_now_is_no_longer_validated(change: dict[str, object]) -> None:
    passed, failed = trial((FLOOD,), hours=0), trial((FLOOD,), hours=1, **change)
    for order in ([passed, failed], [failed, passed]):
        cell = of(FLOOD.id, heat_map([FLOODER], order, VERSION))
        assert cell.status is Status.DECLARED
        assert len(cell.trials) == 2


@pytest.mark.parametrize("change", [{"detected": False}, {"control_silent": False}, {"attack_succeeded": False}])
def test_what_failed_once_and_passes_now_is_validated(change: dict[str, object]) -> None:
    found = heat_map([FLOODER], [trial((FLOOD,), hours=1), trial((FLOOD,), hours=0, **change)], VERSION)
    assert of(FLOOD.id, found).status is Status.VALIDATED


@pytest.mark.parametrize("other", [{"target": "digits-forest"}, {"emulation": "drown"}])
def test_a_later_failure_of_another_trial_does_not_undo_a_passed_one(other: dict[str, object]) -> None:
    later = trial((FLOOD,), hours=1, detected=False, **other)
    assert of(FLOOD.id, heat_map([FLOODER], [trial((FLOOD,)), later], VERSION)).status is Status.VALIDATED


def test_the_latest_proof_is_told() -> None:
    first, second = trial((FLOOD,), hours=0, emulation="walk"), trial((FLOOD,), hours=2, emulation="drown")
    assert " detected drown on " in of(FLOOD.id, heat_map([FLOODER], [second, first], VERSION)).why


def test_a_shortfall_is_told_once_and_all_of_them_are() -> None:
    missed = [trial((FLOOD,), detected=False, target=target) for target in ("a", "b")]
    loud = trial((FLOOD,), control_silent=False, emulation="drown")
    why = of(FLOOD.id, heat_map([FLOODER], [*missed, loud], VERSION)).why
    assert why == "flood missed walk on a; flood missed walk on b; flood was not silent on poller"


def test_an_id_of_another_matrix_covers_no_entry() -> None:
    stranger = Declared("stranger", tuple(TechniqueId("atlas", id_) for id_ in IDS))
    assert {cell.status for cell in heat_map([stranger], [], VERSION)} == {Status.NOT_COVERED}


def test_reasons_are_sentences_for_entries_that_exist() -> None:
    assert all(len(reason) > 10 for reason in reasons().values())
    assert set(reasons()) - {"default"} <= set(IDS)


def test_marks_tell_the_statuses_apart() -> None:
    assert len({status.mark for status in Status}) == len(Status)


def test_twins_stand_in_different_columns() -> None:
    matrix = load(MATRIX)
    for technique in matrix.techniques:
        if technique.same_as:
            other = matrix.technique(technique.same_as)
            assert other.same_as in (None, technique.id)
            assert not set(other.tactics) & set(technique.tactics)


@pytest.mark.parametrize("twin", [t.id for t in load(MATRIX).techniques if t.same_as])
def test_naming_either_twin_covers_both(twin: str) -> None:
    first = load(MATRIX).technique(twin).same_as
    assert first is not None
    for named in (twin, first):
        id_ = TechniqueId(MATRIX, named)
        cells = heat_map([Declared(NAMES[0], (id_,))], [trial((id_,))], VERSION)
        assert {of(entry, cells).status for entry in (twin, first)} == {Status.VALIDATED}


def test_every_log_emulation_is_a_story_and_every_rule_is_ours() -> None:
    assert log_emulations()
    shipped = resources.files("caponier.detect").joinpath("rules").iterdir()
    rules = {file.name.removesuffix(".yml") for file in shipped}
    assert set(log_emulations()) <= rules
    assert {story for told in log_emulations().values() for story in told} <= set(stories())
