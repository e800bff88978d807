from dataclasses import replace
from datetime import date, timedelta

import pytest

from caponier.errors import CaponierError
from caponier.matrix.evidence import Disclosure, EntryEvidence, EvidenceSource, Grade, Maturity, Study, StudyType, Way
from caponier.matrix.evidence_gate import admit, issue
from caponier.matrix.shipped import EvidenceFile, MatrixFile, read
from caponier.matrix.technique import Level, Technique
from caponier.matrix.versions.catalogue import case_studies, load, with_evidence

GOOD = Study("AML.CS0009", "Tay Poisoning", StudyType.INCIDENT, date(2016, 3, 23), reference="https://example.org/tay")
SHOWN = EntryEvidence(Grade.LATER_STUDY, (EvidenceSource(GOOD, ("AML.T0020",)),))


def entry(
    evidence: EntryEvidence | None = None, maturity: Maturity | None = None, seen: tuple[str, ...] = ()
) -> Technique:
    return Technique("X.1", "New", Level.TECHNIQUE, ("X",), 1, seen_in=seen, evidence=evidence, maturity=maturity)


def shown_by(**changes: object) -> EntryEvidence:
    return replace(SHOWN, sources=(EvidenceSource(replace(GOOD, **changes), ("AML.T0020",)),))


@pytest.mark.parametrize("technique", load().techniques, ids=lambda technique: technique.id)
def test_every_entry_of_2020_passes(technique: Technique):
    assert issue(technique, "amltm-2020") is None


def test_of_atlas_exactly_the_shown_entries_pass():
    atlas = load("atlas-5.6")
    passing = tuple(technique for technique in atlas.techniques if issue(technique, atlas.version) is None)
    assert passing == atlas.shown()


def test_a_public_dated_source_lets_an_entry_in():
    assert issue(entry(SHOWN), "any") is None


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (None, "no evidence at all"),
        (EntryEvidence(Grade.LATER_STUDY), "names no source"),
        (shown_by(date=None), "has no date"),
        (shown_by(date=date.today() + timedelta(days=2)), "in the future"),
        (shown_by(id="our-own-lab", reference=None), "not public"),
        (shown_by(reference="file:///tmp/report.pdf"), "not public"),
        (replace(SHOWN, grade=Grade.STUDY_2020), "names only later ones"),
        (EntryEvidence(Grade.FOUNDING), "not in the list of October 2020"),
    ],
)
def test_without_such_a_source_it_is_rejected_with_the_reason(evidence: EntryEvidence | None, reason: str):
    assert reason in (issue(entry(evidence), "any") or "")


def test_one_bad_source_is_not_hidden_by_a_good_one():
    undated = EvidenceSource(replace(GOOD, date=None))
    assert "no date" in (issue(entry(replace(SHOWN, sources=(*SHOWN.sources, undated))), "any") or "")


def test_founding_mark_counts_only_for_what_was_listed_in_2020():
    founding = EntryEvidence(Grade.FOUNDING)
    assert issue(entry(founding, seen=("page",)), "amltm-2020") is None
    assert issue(entry(founding), "amltm-2020")
    assert issue(entry(founding, seen=("page",)), "amltm-2021")


def test_founding_mark_and_sources_exclude_each_other():
    assert "although sources" in (
        issue(entry(EntryEvidence(Grade.FOUNDING, SHOWN.sources), seen=("page",)), "amltm-2020") or ""
    )


@pytest.mark.parametrize(
    ("maturity", "passes"), [(Maturity.FEASIBLE, False), (Maturity.DEMONSTRATED, True), (Maturity.REALIZED, True)]
)
def test_maturity_of_atlas_is_judged_by_whether_it_was_a_real_system(maturity: Maturity, passes: bool):
    assert (issue(entry(maturity=maturity), "atlas-5.6") is None) is passes


def test_a_shipped_entry_that_loses_its_row_is_rejected_by_name():
    techniques = read("amltm-2020.yaml", MatrixFile).techniques
    evidence = read("evidence.yaml", EvidenceFile)
    doctored = evidence.model_copy(update={"techniques": evidence.techniques[1:]})
    with pytest.raises(CaponierError, match=r"AMLTM\.RECON\.01: .*no evidence") as rejected:
        admit(with_evidence(techniques, doctored, case_studies("atlas-5.6")), "amltm-2020")
    assert rejected.value.hint


def test_a_shipped_study_that_loses_its_date_takes_its_entries_with_it():
    techniques = read("amltm-2020.yaml", MatrixFile).techniques
    evidence = read("evidence.yaml", EvidenceFile)
    studies = case_studies("atlas-5.6")
    undated = [replace(study, date=None) if study.id == "AML.CS0009" else study for study in studies]
    with pytest.raises(CaponierError, match=r"AMLTM\.IMPACT\.01: .*AML\.CS0009.*\bdate"):
        admit(with_evidence(techniques, evidence, undated), "amltm-2020")


def test_a_later_version_of_the_2020_matrix_keeps_the_founding_marks_and_gives_no_new_ones():
    techniques = load().techniques
    admit(techniques, "amltm-2020+1")
    admit(techniques, "ours")
    shown = next(t for t in techniques if t.evidence and t.evidence.grade is not Grade.FOUNDING)
    claimed = replace(shown, evidence=EntryEvidence(Grade.FOUNDING))
    assert "not in the list of October 2020" in (issue(claimed, "ours") or "")


CONTRIBUTED = EvidenceSource(
    replace(GOOD, disclosure=Disclosure(Way.PUBLIC_INCIDENT, "the operator wrote about it")),
    result="it worked",
    system="T",
)


def test_a_contributed_source_lets_an_entry_in():
    assert issue(entry(EntryEvidence(Grade.CONTRIBUTED, (CONTRIBUTED,))), "any") is None


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (replace(CONTRIBUTED, result=""), "what it showed on which system"),
        (replace(CONTRIBUTED, system=""), "what it showed on which system"),
        (replace(CONTRIBUTED, study=GOOD), "permission or disclosure"),
    ],
)
def test_a_contributed_source_says_what_it_showed_where_and_with_what_right(source: EvidenceSource, reason: str):
    good_beside = EntryEvidence(Grade.CONTRIBUTED, (CONTRIBUTED, source))
    assert reason in (issue(entry(good_beside), "any") or "")
