from dataclasses import replace
from pathlib import Path

import pytest

from caponier.matrix.contributions.contribution import StudyProposal
from caponier.matrix.versions.catalogue import load
from caponier.matrix.versions.library import Library
from caponier.matrix.versions.release import Release
from matrix.contributions.made import STUDY, TECHNIQUE, changed, errors, looks, reviewed, with_row

WHITE = {"tactic": "AMLTM.INIT", "technique": "AMLTM.INIT.03", "summary": "They wrote a letter."}
ORANGE = {"tactic": "AMLTM.EVADE", "technique": "AMLTM.EVADE.01.02", "summary": "They tried it out."}
ATTACK = {"tactic": "TA0008", "technique": "T1021", "summary": "They moved on inside."}


@pytest.mark.parametrize(
    ("steps", "strategy"),
    [
        ([WHITE], "traditional"),
        ([ORANGE], "adversarial-ml"),
        ([WHITE, ORANGE], "combined"),
        ([ATTACK], "traditional"),
        ([ATTACK, ORANGE], "combined"),
    ],
)
def test_the_strategy_follows_from_the_colours(tmp_path: Path, steps: list[dict[str, str]], strategy: str) -> None:
    for told in ("traditional", "adversarial-ml", "combined"):
        found = reviewed(tmp_path, changed(STUDY, steps=steps, strategy=told))
        assert errors(found) == ([] if told == strategy else ["strategy"]), told


def test_of_unknown_steps_no_strategy_follows(tmp_path: Path) -> None:
    text = changed(with_row(STUDY, "steps", 2, technique="AMLTM.EVADE.77"), strategy="traditional")
    assert errors(reviewed(tmp_path, text)) == ["steps[2].technique"]


def test_a_step_may_name_what_is_proposed_beside_it(tmp_path: Path) -> None:
    text = with_row(STUDY, "steps", 2, technique="AMLTM.EVADE.04")
    assert reviewed(tmp_path, text, TECHNIQUE).level is None
    assert errors(reviewed(tmp_path, text)) == ["steps[2].technique"]


@pytest.mark.parametrize(
    ("changes", "wrong", "looked"),
    [
        ({"tactic": "AMLTM.NOPE"}, ["steps[1].tactic"], []),
        ({"tactic": "TA0001"}, ["steps[1].tactic"], []),
        ({"technique": "T1078"}, [], []),
        ({"tactic": "TA0008", "technique": "T1021"}, [], []),
        ({"tactic": "TA0008", "technique": "T9999"}, [], ["steps[1].technique"]),
        ({"summary": "yes"}, ["steps[1].summary"], []),
    ],
)
def test_a_step_names_a_technique_and_one_of_its_tactics(
    tmp_path: Path, changes: dict[str, str], wrong: list[str], looked: list[str]
) -> None:
    found = reviewed(tmp_path, with_row(STUDY, "steps", 1, **changes))
    assert (errors(found), looks(found)) == (wrong, looked)


def test_a_number_is_given_once(tmp_path: Path) -> None:
    found = reviewed(tmp_path, STUDY, changed(STUDY, name="Something else", references=["https://cisa.gov/other"]))
    assert errors(found) == ["id"]
    (first, _) = reviewed(tmp_path, STUDY, changed(STUDY, id="AMLTM.CS15")).files
    assert isinstance(first.contribution, StudyProposal)
    library = Library(tmp_path / "matrix")
    held = replace(load(), version="ours", studies=(first.contribution.study,))
    library.add(Release(held, "caponier", ""))
    again = reviewed(tmp_path, STUDY, version="ours", library=library)
    assert (errors(again), looks(again)) == (["id"], ["name", "references"])
    assert again.issues[0].hint == "The next free one is AMLTM.CS15."


def test_a_number_that_is_skipped_is_looked_at(tmp_path: Path) -> None:
    assert looks(reviewed(tmp_path, changed(STUDY, id="AMLTM.CS16"))) == ["id"]


@pytest.mark.parametrize("target", ["a research prototype", "none", "lab setup"])
def test_a_target_is_a_real_system(tmp_path: Path, target: str) -> None:
    assert errors(reviewed(tmp_path, changed(STUDY, target=target))) == ["target"]


def test_an_atlas_study_is_told_in_its_ids(tmp_path: Path) -> None:
    steps = [{"tactic": "AML.TA0004", "technique": "AML.T0012", "summary": "They logged in with it."}]
    text = changed(STUDY, matrix="atlas-5.6", id="AML.CS0900", steps=steps, strategy="traditional")
    assert errors(reviewed(tmp_path, text)) == []
    assert errors(reviewed(tmp_path, changed(text, id="AMLTM.CS14"))) == ["id"]
    assert errors(reviewed(tmp_path, changed(text, strategy="adversarial-ml"))) == ["strategy"]
