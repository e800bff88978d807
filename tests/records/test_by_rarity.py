"""The order in which findings are told: severity first, then how few benign callers come as high, then time."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.records.finding import Finding, Severity, SubjectRef, by_rarity, finding_id, rfc3339
from records.nouns import findings, moments, subjects, texts

lists = st.lists(findings, max_size=6)
some = settings(max_examples=60, deadline=None)


@some
@given(lists, st.randoms())
def test_it_is_a_sorting_that_does_not_depend_on_the_order_before(found: list[Finding], random: Any) -> None:
    told = by_rarity(found)
    assert sorted(map(id, told)) == sorted(map(id, found))
    mixed = list(found)
    random.shuffle(mixed)

    def key(one: Finding) -> tuple[Any, ...]:
        expected = one.evidence.expected
        return -one.severity.rank, expected.benign if expected else 0.0, one.first_time

    assert [key(one) for one in by_rarity(mixed)] == [key(one) for one in told] == sorted(map(key, found))


@some
@given(lists)
def test_nothing_severe_stands_behind_what_is_not(found: list[Finding]) -> None:
    ranks = [one.severity.rank for one in by_rarity(found)]
    assert ranks == sorted(ranks, reverse=True)


@some
@given(lists)
def test_the_order_survives_the_document(found: list[Finding]) -> None:
    again = [Finding.from_dict(json.loads(json.dumps(one.to_dict()))) for one in found]
    assert by_rarity(again) == by_rarity(found)


def old(plain: dict[str, Any]) -> dict[str, Any]:
    """Take from a finding what earlier versions did not write."""
    evidence = {
        name: value for name, value in plain["evidence"].items() if name not in ("share", "expected_per_week", "beside")
    }
    evidence["rank"] = {name: value for name, value in evidence["rank"].items() if name != "age"}
    subject = {name: value for name, value in plain["subject"].items() if name in ("kind", "id")}
    kept = {name: value for name, value in plain.items() if name != "notify"}
    return {**kept, "evidence": evidence, "subject": subject}


@some
@given(findings)
def test_a_document_of_an_earlier_version_is_read_and_written_as_one_of_this(finding: Finding) -> None:
    read = Finding.from_dict(old(finding.to_dict()))
    assert read.notify
    assert (read.evidence.share, read.evidence.expected, read.evidence.beside, read.evidence.age) == (None, None, (), 0)
    assert (read.subject.kind, read.subject.id) == (finding.subject.kind, finding.subject.id)
    assert Finding.from_dict(read.to_dict()) == read
    assert (read.finding_id, read.severity, read.summary) == (finding.finding_id, finding.severity, finding.summary)


@some
@given(lists)
def test_old_and_new_findings_sort_together(found: list[Finding]) -> None:
    mixed = [Finding.from_dict(old(one.to_dict())) if at % 2 else one for at, one in enumerate(found)]
    assert len(by_rarity(mixed)) == len(found)


@some
@given(subjects, texts, texts)
def test_who_sent_it_is_no_part_of_what_identifies_a_finding(subject: SubjectRef, detector: str, event: str) -> None:
    """What was seen is, so that a replay raises nothing twice."""
    bare = SubjectRef(subject.kind, subject.id)
    assert finding_id(detector, "m", subject, event) == finding_id(detector, "m", bare, event)


@some
@given(texts, texts)
def test_findings_of_two_detectors_models_or_events_differ(one: str, other: str) -> None:
    caller = SubjectRef("principal", "k")
    for made in (
        lambda word: finding_id(word, "m", caller, "e"),
        lambda word: finding_id("d", word, caller, "e"),
        lambda word: finding_id("d", "m", SubjectRef("principal", word), "e"),
        lambda word: finding_id("d", "m", caller, word),
    ):
        assert (made(one) == made(other)) == (one == other)


@given(moments)
def test_a_moment_is_written_so_that_it_is_the_same_moment(moment: Any) -> None:
    written = rfc3339(moment)
    assert type(moment).fromisoformat(written) == moment
    assert not written.endswith("+00:00")


NOBODY = "address:10.0.0.1"


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (SubjectRef("principal", "ada"), "principal ada"),
        (SubjectRef("session", "s1", sender="principal:gateway"), "session s1 from principal gateway"),
        (SubjectRef("session", "s1", sender=NOBODY), "session s1 from callers without a principal at 10.0.0.1"),
        (SubjectRef("address", "10.0.0.1", sender=NOBODY), "address 10.0.0.1 from callers without a principal"),
        (SubjectRef("session", "s1", sender="principal:"), "session s1"),
        (SubjectRef("session", "s1", sender="principal:a:b"), "session s1 from principal a:b"),
    ],
)  # fmt: skip
def test_a_subject_is_named_with_who_sent_it(subject: SubjectRef, words: str) -> None:
    assert subject.in_words == words
    assert SubjectRef.from_dict(subject.to_dict()) == subject


def test_severity_stands_above_rarity() -> None:
    assert max(Severity, key=lambda one: one.rank) is Severity.CRITICAL
