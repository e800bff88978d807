"""One builder of findings: what every scan hands to it comes out with the matrix's words and the inventory's weight."""

from datetime import UTC, datetime
from typing import Any

import pytest

from caponier.errors import InputError
from caponier.matrix.technique import Color, TechniqueId, TechniqueRef
from caponier.records.finding import Evidence, Finding, Severity, SubjectRef, finding_id
from caponier.records.finding_builder import build_finding
from caponier.records.inventory import Criticality, System

EARLY, LATE = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)
CALLER = SubjectRef("principal", "k-7")
EVADE = (TechniqueId("atlas", "AML.T0043.001"), TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"))


def built(subject: SubjectRef = CALLER, trigger: str = "e-2", **said: Any) -> Finding:
    plain = {
        "confidence": 0.8,
        "techniques": EVADE,
        "evidence": Evidence("flips", 3.0, 1.0),
        "summary": "8 steps",
        "times": (EARLY, LATE),
        "system": None,
    }
    return build_finding("iterative_query", subject, trigger, **(plain | said))


def test_techniques_get_name_and_colour_from_their_matrix_and_harms_from_them() -> None:
    finding = built()
    assert [(one.id, one.name, one.color) for one in finding.techniques] == [
        ("AML.T0043.001", "Black-Box Optimization", None),
        ("AMLTM.EVADE.01.02", "Online Evasion", Color.ORANGE),
    ]
    assert finding.harms == ("integrity",)


def test_a_technique_that_has_its_name_keeps_it() -> None:
    # Rules of users may name techniques that no matrix at hand has.
    own = TechniqueRef("attack", "T9999", "Their own")
    assert built(techniques=(own,)).techniques == (own,)


def test_an_unknown_technique_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"AMLTM\.EVADE"):
        built(techniques=(TechniqueId("amltm-2020", "AMLTM.EVADE.99"),))


@pytest.mark.parametrize(("criticality", "expected"), [("low", Severity.MEDIUM), ("critical", Severity.CRITICAL)])
def test_the_inventory_names_the_system_and_weighs_it(criticality: str, expected: Severity) -> None:
    system = System(name="post", criticality=Criticality(criticality))
    finding = built(system=system, said_system="what the log says")
    assert (finding.system, finding.severity) == ("post", expected)


def test_a_system_that_only_the_log_knows_weighs_as_any_other() -> None:
    finding = built(said_system="shadow")
    assert (finding.system, finding.severity) == ("shadow", Severity.HIGH)


def test_the_level_of_a_rule_decides_in_place_of_the_confidence() -> None:
    assert built(confidence=0.9, level="medium").severity is Severity.MEDIUM


def test_the_id_is_that_of_detector_model_subject_and_trigger() -> None:
    finding = built(model="digits", event_ids=("e-1", "e-2"))
    assert finding.finding_id == finding_id("iterative_query", "digits", CALLER, "e-2")
    assert (finding.trigger_event_id, finding.event_ids) == ("e-2", ("e-1", "e-2"))
    assert (finding.first_time, finding.last_time) == (EARLY, LATE)


def test_what_no_event_triggered_names_none() -> None:
    finding = built(SubjectRef("file", "ab" * 32), "ab" * 32)
    assert (finding.trigger_event_id, finding.event_ids, finding.model, finding.unique_queries) == (None, (), None, 0)
    assert finding.finding_id == finding_id("iterative_query", None, SubjectRef("file", "ab" * 32), "ab" * 32)
