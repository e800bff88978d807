import re
from dataclasses import replace

import pytest

from app.incidents.test_export import WHOLE, case
from caponier.app.incidents.incidents import CaseFile
from caponier.app.incidents.story import colour_words, story
from caponier.records.finding import Basis, Evidence, SubjectRef
from caponier.records.incident import Stage, Step
from caponier.records.response_action import ActionState
from respond.made import START, file_finding, finding, refs, rows_finding
from respond.test_actions import action


def words(one: CaseFile) -> dict[str, str]:
    return dict(story(one))


def test_the_story_of_a_combined_attack() -> None:
    told = words(WHOLE)
    assert list(told) == ["What happened", "Who", "To what", "How sure", "What it harms", "What to do"]
    assert "Strategy: combined." in told["What happened"]
    counted = told["What happened"].split("Strategy: ")[1]
    assert re.findall(r"\d+", counted) == ["3", "1", "4"]
    assert told["To what"] == "ML system digits; model digits-mlp; /models/model.pkl"
    assert told["What it harms"] == "confidentiality, integrity"


def test_the_story_says_how_sure_it_is() -> None:
    cold = Evidence("flips", 3, 1, basis=Basis.COLD_START)
    told = words(case(finding(1, confidence=0.3, evidence=cold), finding(2, confidence=0.6)))["How sure"]
    assert re.findall(r"\d+(?:\.\d+)?", told) == ["0.60", "2", "1", "0.4", "1"]
    assert "(iterative_query)" in told


def test_the_story_of_somebody_unknown() -> None:
    told = words(case(file_finding(1, system=None, harms=())))
    assert told["What happened"].startswith("A file is unsafe: /models/model.pkl.")
    assert told["To what"] == "/models/model.pkl; which belongs to no ML system in the inventory"
    assert told["What it harms"].startswith("nothing by itself")


def test_the_story_claims_no_attack_that_nobody_has_shown() -> None:
    for one, said in ((rows_finding(1), "by mistake or on purpose: /data/train.npz"), (file_finding(1), "unsafe")):
        told = words(case(one))
        assert said in told["What happened"]
        assert "attack" not in told["What happened"].partition("Strategy: ")[0]
        assert "--log" not in told["What to do"]
        assert (one.subject.path or "") in told["To what"]


def test_the_story_of_queries_alone_names_the_model_and_no_other_means() -> None:
    one = case(finding(1))
    told = words(replace(one, incident=replace(one.incident, actors=("principal:k-9",))))
    told_first = "One actor queried model digits-mlp in a way that benign callers do not. Strategy: "
    assert told["What happened"].startswith(told_first)
    assert "--log LOG" in told["What to do"]


def test_the_story_of_one_actor_with_several_names_counts_the_names() -> None:
    one = case(finding(1))
    told = words(replace(one, incident=replace(one.incident, actors=("account:ada", "principal:k-9"))))
    assert told["What happened"].startswith("One actor, known by 2 names, queried model ")
    assert told["Who"] == "account ada, principal k-9"


def test_the_story_of_one_finding_says_its_confidence_alone() -> None:
    assert words(case(finding(1)))["How sure"] == "Confidence 0.97 (iterative_query)."


def test_a_sentence_names_a_few_things_and_counts_the_others() -> None:
    many = [file_finding(n, subject=SubjectRef("file", f"{n}", path=f"/m/{n}.pkl")) for n in range(5)]
    assert "/m/0.pkl, /m/1.pkl, /m/2.pkl and 2 more" in words(case(*many))["To what"]


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_advice(stage: Stage) -> None:
    assert words(case(finding(1), stage=stage))["What to do"]


def test_what_awaits_approval_comes_first() -> None:
    waiting = action(state=ActionState.AWAITING_APPROVAL)
    assert f"respond approve {waiting.action_id}" in words(case(finding(1), actions=(waiting,)))["What to do"]


@pytest.mark.parametrize(
    ("techniques", "said"),
    [
        (("AML.T0043.001", "AMLTM.EVADE.01.02"), "ML technique (orange)"),
        (("T1078", "AML.T0012", "AMLTM.INIT.02"), "general technique (white)"),
        (("AMLTM.INIT.02", "AMLTM.EVADE.01.02"), "ML and general techniques (orange, white)"),
        ((), "no known technique"),
    ],
)
def test_colours_have_words(techniques: tuple[str, ...], said: str) -> None:
    one = finding(1)
    step = Step(START, "Model Evasion", refs(*techniques), one.subject, one.finding_id, one.event_ids, "seen")
    assert colour_words(step.techniques) == said
