"""What analysts said of findings, and what of it a baseline learns."""

from dataclasses import replace

import pytest

from app.incidents.test_findings import finding, workspace
from caponier.app.incidents.findings import record_findings
from caponier.app.incidents.verdicts import Lessons, give_verdict, lessons_of, subject_name, verdict_on
from caponier.errors import InputError
from caponier.records.finding import Finding, SubjectRef
from caponier.records.inventory import Workspace
from caponier.records.verdict import VerdictKind

__all__ = ["workspace"]


def raised(number: int, who: str = "k-77", value: float = 3.0, **changes: object) -> Finding:
    one = finding(number)
    plain = replace(one, subject=SubjectRef("principal", who), evidence=replace(one.evidence, value=value))
    return replace(plain, **changes)  # type: ignore[arg-type]


def taught(workspace: Workspace, *said: tuple[Finding, VerdictKind]) -> Lessons:
    record_findings(workspace, [one for one, _ in said])
    for one, judgement in said:
        give_verdict(workspace, one.finding_id, judgement)
    return lessons_of(workspace)


def test_a_verdict_is_read_again_with_who_gave_it(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    record_findings(workspace, [raised(1)])
    assert verdict_on(workspace, "f-1") is None
    monkeypatch.setenv("LOGNAME", "ada")
    first = give_verdict(workspace, "f-1", VerdictKind.BENIGN, "a camera")
    assert verdict_on(workspace, "f-1") == first
    assert (first.author, first.note) == ("ada", "a camera")
    assert give_verdict(workspace, "f-1", VerdictKind.TRUE, actor="bob").author == "bob"


def test_there_is_no_verdict_on_what_was_never_found(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="no such finding"):
        give_verdict(workspace, "f-9", VerdictKind.BENIGN)
    assert lessons_of(workspace) == Lessons()


def test_without_verdicts_nothing_is_learned_of_findings(workspace: Workspace) -> None:
    record_findings(workspace, [raised(1)])
    assert lessons_of(workspace) == Lessons()


def test_a_benign_caller_is_known_by_model_detector_and_highest_score(workspace: Workspace) -> None:
    learned = taught(
        workspace,
        (raised(1, value=7.0), VerdictKind.BENIGN),
        (raised(2, value=3.0), VerdictKind.BENIGN),
        (raised(3, value=9.0, detector="novelty"), VerdictKind.BENIGN),
        (raised(4, "other", value=2.0), VerdictKind.BENIGN),
    )
    assert learned.benign == {
        ("digits-mlp", "iterative_query"): {"principal k-77": 7.0, "principal other": 2.0},
        ("digits-mlp", "novelty"): {"principal k-77": 9.0},
    }
    assert learned.attackers == frozenset()


@pytest.mark.parametrize("kind", [VerdictKind.TRUE, VerdictKind.TEST])
def test_attackers_and_tests_teach_nothing(workspace: Workspace, kind: VerdictKind) -> None:
    learned = taught(workspace, (raised(1, "bad"), kind), (raised(2, "good"), VerdictKind.BENIGN))
    assert learned.attackers == frozenset({"bad"})
    assert list(learned.benign.values()) == [{"principal good": 3.0}]


def test_a_duplicate_says_nothing_of_its_own(workspace: Workspace) -> None:
    assert taught(workspace, (raised(1), VerdictKind.DUPLICATE)) == Lessons()


def test_who_changed_ones_mind_is_taken_at_the_last_word(workspace: Workspace) -> None:
    taught(workspace, (raised(1), VerdictKind.BENIGN))
    give_verdict(workspace, "f-1", VerdictKind.TRUE)
    assert lessons_of(workspace) == Lessons({}, frozenset({"k-77"}))
    give_verdict(workspace, "f-1", VerdictKind.DUPLICATE)
    assert lessons_of(workspace) == Lessons()


def test_findings_of_files_and_data_sets_teach_no_baseline(workspace: Workspace) -> None:
    assert taught(workspace, (raised(1, model=None), VerdictKind.TRUE)) == Lessons()


def test_the_same_name_from_another_sender_is_somebody_else(workspace: Workspace) -> None:
    own = raised(1, subject=SubjectRef("session", "s1", sender="principal:gateway"))
    alike = raised(2, subject=SubjectRef("session", "s1"))
    assert subject_name(own) == "session s1 from principal gateway"
    learned = taught(workspace, (own, VerdictKind.BENIGN), (alike, VerdictKind.BENIGN))
    (names,) = learned.benign.values()
    assert set(names) == {"session s1 from principal gateway", "session s1"}
