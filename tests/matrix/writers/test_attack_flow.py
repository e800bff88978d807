"""Flows of case studies: valid, in order, with branches, and joined to the matrix by its ids."""

import datetime
import json
from dataclasses import replace
from typing import Any

import pytest

from caponier.errors import InputError
from caponier.matrix.case_study import CaseStudy, StudyStep
from caponier.matrix.evidence import StudyType
from caponier.matrix.versions.catalogue import Matrix, load
from caponier.matrix.writers.attack_flow import Act, Action, Flow, of_study, to_attack_flow
from caponier.matrix.writers.stix import pattern_id, to_stix
from matrix.writers.flow_schema import complaints, dangling
from matrix.writers.test_stix import verdict

ATLAS = load("atlas-5.6")
FOUNDING = load()
STUDY = CaseStudy(
    "AML.CS9999",
    "Ours",
    StudyType.INCIDENT,
    datetime.date(2021, 3, 4),
    reference="https://example.org/a",
    steps=(
        StudyStep("AML.TA0002", "AML.T0000", "Read papers."),
        StudyStep("AML.TA0001", "AML.T0043", "Made inputs."),
        StudyStep("AML.TA0011", "AML.T0029", "Flooded it."),
    ),
    target="a scorer",
    references=("https://example.org/a", "https://example.org/b", "no address"),
    summary="It was flooded.",
)


def written(study: CaseStudy, matrix: Matrix = ATLAS) -> str:
    return to_attack_flow(of_study(matrix, study))


def of_type(text: str, type_: str) -> list[dict[str, Any]]:
    return [one for one in json.loads(text)["objects"] if one["type"] == type_]


def led(*leads_to: tuple[int, ...] | None) -> CaseStudy:
    steps = zip(STUDY.steps, leads_to, strict=True)
    return replace(STUDY, steps=tuple(replace(step, leads_to=places) for step, places in steps))


def edges(text: str) -> tuple[list[int], list[list[int]]]:
    """Return where the flow starts, and for each action to which it leads, as places."""
    actions = of_type(text, "attack-action")
    place = {action["id"]: number for number, action in enumerate(actions)}
    (flow,) = of_type(text, "attack-flow")
    starts = [place[id_] for id_ in flow["start_refs"]]
    return starts, [[place[id_] for id_ in action.get("effect_refs", ())] for action in actions]


@pytest.mark.parametrize("matrix", [FOUNDING, ATLAS], ids=lambda matrix: matrix.version)
def test_every_study_that_ships_is_a_flow(matrix: Matrix) -> None:
    for study in matrix.studies:
        text = written(study, matrix)
        assert dangling(text) == set()
        assert len(of_type(text, "attack-action")) == len(study.steps)


# The schema takes half a second for each of them, and they are all made alike.
@pytest.mark.parametrize("study", [*FOUNDING.studies[::4], *ATLAS.studies[::8]], ids=lambda study: study.id)
def test_studies_that_ship_are_valid_flows(study: CaseStudy) -> None:
    assert complaints(written(study, ATLAS if study in ATLAS.studies else FOUNDING)) == []


@pytest.mark.parametrize("study", [STUDY, replace(STUDY, target="", summary="", reference=None, references=())])
def test_the_stix_validator_is_content_too(study: CaseStudy) -> None:
    errors, warnings = verdict(written(study), enforce_refs=True)
    assert errors == []
    # Ids that follow from what they name (103), addresses without a hash (302).
    assert warnings <= {"103", "302"}


def test_the_schema_can_refuse() -> None:
    assert complaints(written(STUDY).replace('"scope": "incident"', '"scope": "accident"')) != []


def test_a_flow_has_one_flow_object_its_language_and_its_maker() -> None:
    text = written(STUDY)
    (flow,) = of_type(text, "attack-flow")
    assert (flow["name"], flow["description"], flow["scope"]) == ("Ours", "It was flooded.", "incident")
    assert len(of_type(text, "extension-definition")) == 1
    assert {one["name"] for one in of_type(text, "identity")} == {
        "Caponier",
        "MITRE Center for Threat-Informed Defense",
    }
    assert flow["external_references"] == [
        {"source_name": "mitre-atlas", "external_id": "AML.CS9999"},
        {"source_name": "report", "url": "https://example.org/a"},
        {"source_name": "report", "url": "https://example.org/b"},
    ]


def test_an_exercise_is_no_incident() -> None:
    (flow,) = of_type(written(replace(STUDY, type=StudyType.EXERCISE)), "attack-flow")
    assert flow["scope"] == "other"


def test_steps_name_tactic_technique_and_target() -> None:
    text = written(STUDY)
    (asset,) = of_type(text, "attack-asset")
    assert asset["name"] == "a scorer"
    first = of_type(text, "attack-action")[0]
    assert (first["name"], first["description"]) == (ATLAS.technique("AML.T0000").name, "Read papers.")
    assert (first["tactic_id"], first["technique_id"]) == ("AML.TA0002", "AML.T0000")
    assert first["asset_refs"] == [asset["id"]]
    assert first["external_references"][0]["url"] == "https://atlas.mitre.org/techniques/AML.T0000"


def test_a_flow_speaks_of_the_objects_of_the_matrix() -> None:
    exported = {one["id"] for one in json.loads(to_stix(ATLAS, ATLAS.techniques))["objects"]}
    for action in of_type(written(STUDY), "attack-action"):
        assert action["technique_ref"] == pattern_id(ATLAS, action["technique_id"])
        assert {action["technique_ref"], action["tactic_ref"]} <= exported


def test_steps_in_order_lead_to_the_next() -> None:
    assert edges(written(STUDY)) == ([0], [[1], [2], []])


@pytest.mark.parametrize(
    ("leads_to", "starts", "effects"),
    [
        (((2, 3), (), ()), [0], [[1, 2], [], []]),
        (((3,), (3,), ()), [0, 1], [[2], [2], []]),
        (((3,), (), (2,)), [0], [[2], [], [1]]),
        (((2,), None, None), [0, 2], [[1], [], []]),
        (((2,), (3,), (1,)), [0], [[1], [2], [0]]),
        (((1, 9, 0), (3,), ()), [0, 1], [[], [2], []]),
    ],
)
def test_branches_follow_what_led_to_what(
    leads_to: tuple[tuple[int, ...] | None, ...], starts: list[int], effects: list[list[int]]
) -> None:
    text = written(led(*leads_to))
    assert edges(text) == (starts, effects)
    assert complaints(text) == []


def test_an_attack_technique_in_a_study_is_one_of_attack() -> None:
    step = StudyStep("AML.TA0004", "T1078")
    (action,) = of_type(written(replace(STUDY, steps=(step,))), "attack-action")
    assert (action["name"], action["technique_id"]) == ("Valid Accounts", "T1078")
    assert action["external_references"][0]["source_name"] == "mitre-attack"


def test_a_step_whose_technique_and_tactic_are_gone_keeps_their_ids() -> None:
    step = StudyStep("AML.TA9999", "AML.T9999")
    (action,) = of_type(written(replace(STUDY, steps=(step,))), "attack-action")
    assert (action["name"], action["technique_id"]) == ("AML.T9999", "AML.T9999")
    assert "tactic_id" not in action


def test_a_study_without_steps_is_no_flow() -> None:
    with pytest.raises(InputError, match=r"AML\.CS9999: no step"):
        of_study(ATLAS, replace(STUDY, steps=()))
    with pytest.raises(InputError, match="needs a step"):
        to_attack_flow(Flow(("x",), "x", "other", (), {}))


def test_the_same_flow_gives_the_same_bytes_and_another_other_ids() -> None:
    assert written(STUDY) == written(STUDY)
    other = {one["id"] for one in json.loads(written(replace(STUDY, id="AML.CS9998")))["objects"]}
    shared = other & {one["id"] for one in json.loads(written(STUDY))["objects"]}
    assert {id_.split("--")[0] for id_ in shared} == {"extension-definition", "identity"}


def test_a_flow_says_when_and_by_what_other_names() -> None:
    start = datetime.datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    times = {"created": "2026-01-02T01:04:05.678Z", "modified": "2026-01-02T01:04:05.678Z"}
    action = Action("Flood", Act("atlas", "AML.T0029"), start=start, end=start, also=(Act("attack", "T1498"),))
    text = to_attack_flow(Flow(("x",), "x", "incident", (action,), times))
    (one,) = of_type(text, "attack-action")
    assert (one["execution_start"], one["execution_end"]) == ("2026-01-02T01:04:05.678Z", "2026-01-02T01:04:05.678Z")
    assert [named["external_id"] for named in one["external_references"]] == ["AML.T0029", "T1498"]
    assert complaints(text) == []
