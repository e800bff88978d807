"""What advises a defence or ranks a risk is looked at, in whatever field it stands; what attackers do is not."""

import pytest

from caponier.matrix.contributions.advice import check_advice
from caponier.matrix.contributions.contribution_form import ContributionForm
from caponier.matrix.contributions.review_issue import ReviewLevel
from caponier.matrix.contributions.tree import FormNode
from caponier.matrix.versions.catalogue import load, versions


def said(text: str) -> list[str]:
    sheet = ContributionForm("a.yaml", 1, values={"description": FormNode(7, text)})
    issues = list(check_advice(sheet, "description"))
    assert all((one.level, one.field, one.line) == (ReviewLevel.LOOK, "description", 7) for one in issues)
    return [one.what for one in issues]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Mitigate it by training on such inputs.", "Mitigate"),
        ("Known mitigations are filters.", "mitigations"),
        ("A counter-measure is to round the scores.", "counter-measure"),
        ("Owners should limit queries.", "should limit"),
        ("Keys must never be logged.", "must never be logged"),
        ("We recommend signed models.", "recommend"),
    ],
)
def test_advice_is_looked_at(text: str, word: str):
    assert said(text) == [f"{word!r} seems to advise a defence"]


@pytest.mark.parametrize(
    "text", ["It has CVSS 9.8.", "Its severity is open.", "A high-risk act.", "The risk level is 3."]
)
def test_a_rank_of_risk_is_looked_at(text: str):
    (what,) = said(text)
    assert what.endswith("seems to rank a risk")


def test_both_are_told():
    assert len(said("Severity high; recommended: patch.")) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Writes prompts until the model does what it should not.",
        "Scores in mail headers let them train a copy of a credit risk model.",
        "Turned the filter off and hid in the logs.",
    ],
)
def test_what_attackers_do_is_no_advice(text: str):
    assert said(text) == []


@pytest.mark.parametrize("version", versions())
def test_nothing_that_ships_advises_or_ranks(version: str):
    matrix = load(version)
    texts = [one.description for one in (*matrix.techniques, *matrix.tactics)]
    texts += [text for study in matrix.studies for text in (study.summary, *(step.summary for step in study.steps))]
    texts += [source.result for one in matrix.techniques for source in (one.evidence.sources if one.evidence else ())]
    assert len(texts) > 60
    assert [text for text in texts if said(text)] == []
