"""A row a caller: who is told of, and what of."""

from caponier.cli.findings.by_caller import CALLERS, by_caller
from caponier.records.accused import NAMES
from caponier.records.finding import Evidence, Severity, SubjectRef
from respond.made import finding


def test_findings_of_one_caller_are_one_row_with_the_most_severe_first_and_of_these_the_surest() -> None:
    found = [
        finding(4, "eve", confidence=0.95, detector="flood", severity=Severity.LOW),
        finding(1, "eve", confidence=0.4, detector="novelty"),
        finding(2, "ann"),
        finding(3, "eve", confidence=0.9, summary="31 variants"),
    ]
    eve, ann = by_caller(found)
    assert (eve.who, ann.who) == ("principal eve", "principal ann")
    assert [one.detector for one in eve.findings] == ["iterative_query", "novelty", "flood"]
    assert (eve.first.summary, eve.first.severity) == ("31 variants", Severity.HIGH)
    assert "iterative_query, novelty, flood" in CALLERS.to_markdown([eve]).replace("\\_", "_")


def test_other_models_of_the_same_caller_are_other_rows() -> None:
    assert len(by_caller([finding(1, "eve"), finding(2, "eve", model="other")])) == 2


def test_like_queries_that_one_caller_sent_are_told_beside_its_own() -> None:
    alone, shared = (
        finding(n, SubjectRef("bucket", f"cell-{n}"), evidence=Evidence("flips", 3, 1, facts={NAMES: names}))
        for n, names in enumerate((["eve"], ["eve", "ann"]))
    )
    told = by_caller([alone, finding(3, "eve"), shared])
    assert [(one.who, len(one.findings)) for one in told] == [("principal eve", 2), ("bucket cell-1", 1)]


def test_a_file_goes_by_its_path_and_a_claimed_name_by_who_sent_it() -> None:
    file = finding(1, SubjectRef("file", "0" * 64, path="models/a.pkl"))
    session = finding(2, SubjectRef("session", "s-1", sender="principal:eve"))
    assert [one.who for one in by_caller([file, session])] == ["file models/a.pkl", "session s-1 from principal eve"]
