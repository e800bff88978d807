"""What a cell's status rests on."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from caponier.coverage.heat_map import Cell, Status, heat_map, reasons
from caponier.matrix.technique import TechniqueId
from caponier.matrix.versions.catalogue import load
from caponier.records.trial import Trial

EVASION = TechniqueId("amltm-2020", "AMLTM.EVADE.01.02")
STEALING = TechniqueId("amltm-2020", "AMLTM.EXFIL.02")


@dataclass(frozen=True)
class Detector:
    name: str
    techniques: tuple[TechniqueId, ...]


DETECTOR = Detector("iterative_query", (TechniqueId("atlas", "AML.T0043.001"), EVASION))
TRIAL = Trial(
    trial_id="t-1",
    detector="iterative_query",
    techniques=DETECTOR.techniques,
    emulation="hop_skip_jump",
    control="poller",
    target="digits-mlp",
    caponier_version="1.0",
    time=datetime(2026, 1, 5, tzinfo=UTC),
    attack_succeeded=True,
    detected=True,
    control_silent=True,
)


def cell(id_: str, cells: tuple[Cell, ...]) -> Cell:
    return next(cell for cell in cells if cell.technique.id == id_)


def test_every_entry_has_a_cell_in_the_matrix_order() -> None:
    cells = heat_map([], [], "1.0")
    assert [cell.technique.id for cell in cells] == [technique.id for technique in load("amltm-2020").techniques]
    assert {cell.status for cell in cells} == {Status.NOT_COVERED}
    assert all(cell.why for cell in cells)


def test_an_attack_and_its_silent_control_on_this_version_validate() -> None:
    found = cell(EVASION.id, heat_map([DETECTOR], [TRIAL], "1.0"))
    assert found.status is Status.VALIDATED
    assert found.why == "iterative_query detected hop_skip_jump on digits-mlp and was silent on poller"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"caponier_version": "0.9"}, "no trial on this version"),
        ({"attack_succeeded": False}, "did not succeed, so it proves nothing"),
        ({"detected": False}, "iterative_query missed hop_skip_jump on digits-mlp"),
        ({"control_silent": False}, "iterative_query was not silent on poller"),
        ({"detector": "novelty"}, "no trial on this version"),
        ({"techniques": (STEALING,)}, "no trial on this version"),
    ],
)
def test_anything_less_is_only_declared(change: dict[str, object], why: str) -> None:
    found = cell(EVASION.id, heat_map([DETECTOR], [replace(TRIAL, **change)], "1.0"))  # type: ignore[arg-type]
    assert found.status is Status.DECLARED
    assert why in found.why


def test_one_failed_trial_does_not_undo_a_passed_one() -> None:
    failed = replace(TRIAL, trial_id="t-2", target="digits-forest", detected=False)
    found = cell(EVASION.id, heat_map([DETECTOR], [failed, TRIAL], "1.0"))
    assert found.status is Status.VALIDATED
    assert len(found.trials) == 2


def test_the_same_entry_in_another_column_is_covered_too() -> None:
    cells = heat_map([Detector("novelty", (STEALING,))], [], "1.0")
    assert cell("AMLTM.EXFIL.02", cells).status is Status.DECLARED
    assert cell("AMLTM.RECON.06", cells).status is Status.DECLARED


def test_two_entries_of_one_name_stay_apart() -> None:
    """Defacement is orange in one cell and white in another."""
    cells = heat_map([Detector("feedback", (TechniqueId("amltm-2020", "AMLTM.IMPACT.01"),))], [], "1.0")
    assert cell("AMLTM.IMPACT.01", cells).status is Status.DECLARED
    assert cell("AMLTM.IMPACT.05", cells).status is Status.NOT_COVERED


def test_a_parent_says_what_is_covered_below_it() -> None:
    parent = cell("AMLTM.EVADE.01", heat_map([DETECTOR], [TRIAL], "1.0"))
    assert parent.status is Status.NOT_COVERED
    assert parent.children_covered == (1, 6)
    assert parent.why == "by itself not; 1 of its 6 sub-techniques are"


def test_reasons_name_entries_that_exist() -> None:
    matrix = load("amltm-2020")
    assert [id_ for id_ in reasons() if id_ != "default" and id_ not in matrix] == []


def test_what_was_only_context_is_told_and_a_finding_is_named_first() -> None:
    context = replace(TRIAL, figures={"seen_as": "context of an incident"})
    found = cell(EVASION.id, heat_map([DETECTOR], [context], "1.0"))
    assert found.status is Status.VALIDATED
    assert "on digits-mlp, as context of an incident, and was silent" in found.why
    better = replace(TRIAL, trial_id="t-2", target="digits-forest", figures={"seen_as": "finding"})
    assert "on digits-forest and was silent" in cell(EVASION.id, heat_map([DETECTOR], [context, better], "1.0")).why


def test_a_detector_that_only_says_that_somebody_is_odd_covers_nothing() -> None:
    @dataclass(frozen=True)
    class Hint(Detector):
        covers: bool = False

    hint = Hint("caller_profile", DETECTOR.techniques)
    assert cell(EVASION.id, heat_map([hint], [replace(TRIAL, detector=hint.name)], "1.0")).status is Status.NOT_COVERED
    assert cell(EVASION.id, heat_map([hint, DETECTOR], [TRIAL], "1.0")).detectors == (DETECTOR.name,)


def test_an_entry_says_by_which_means_it_is_covered() -> None:
    rule = Detector("sigma:model_bulk_read", (EVASION,))
    assert cell(EVASION.id, heat_map([DETECTOR], [TRIAL], "1.0")).by_means == "ML (validated)"
    assert cell(EVASION.id, heat_map([rule], [], "1.0", {rule.name})).by_means == "traditional (declared)"
    both = cell(EVASION.id, heat_map([DETECTOR, rule], [TRIAL], "1.0", {rule.name}))
    assert both.by_means == "traditional (declared), ML (validated)"
    seen = replace(TRIAL, detector=rule.name, emulation="stolen_account")
    assert cell(EVASION.id, heat_map([DETECTOR, rule], [seen], "1.0", {rule.name})).by_means == (
        "traditional (validated), ML (declared)"
    )
    assert cell(STEALING.id, heat_map([DETECTOR], [TRIAL], "1.0")).means == ()


def test_what_passed_once_and_fails_now_is_no_validated_means() -> None:
    failed = replace(TRIAL, trial_id="t-2", detected=False, time=datetime(2026, 1, 6, tzinfo=UTC))
    assert cell(EVASION.id, heat_map([DETECTOR], [TRIAL, failed], "1.0")).by_means == "ML (declared)"
