from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from caponier.errors import CaponierError
from caponier.matrix.case_study import CaseStudy, Strategy, StudyStep
from caponier.matrix.evidence import Precision, Study, StudyType
from caponier.matrix.shipped import EvidenceFile, StudiesFile, parse
from caponier.matrix.versions.catalogue import case_studies, load, with_evidence

FOUNDING, ATLAS = load("amltm-2020"), load("atlas-5.6")
EVERY = [(matrix, study) for matrix in (FOUNDING, ATLAS) for study in matrix.studies]
NAMES = [study.id for _, study in EVERY]
PRECISION = {"YEAR": "year", "MONTH": "month", "DATE": "day"}

FILE = """
schema: caponier.case-studies/1
matrix: test
studies:
- id: S.1
  name: One
  date: 2020-02-03
  precision: month
  type: exercise
  references: ["https://example.org/report", "https://example.org/talk"]
  steps: [TA/T.1, {tactic: TB, technique: T.2, summary: Went on.}]
"""


def test_all_thirteen_and_all_fifty_seven_are_there():
    assert [study.id for study in FOUNDING.studies] == [f"AMLTM.CS{number:02}" for number in range(1, 14)]
    assert [study.id for study in ATLAS.studies] == [f"AML.CS{number:04}" for number in range(57)]


def test_the_studies_of_2020_went_about_it_as_the_matrix_says():
    assert Counter(study.strategy for study in FOUNDING.studies) == {
        Strategy.ADVERSARIAL_ML: 8,
        Strategy.COMBINED: 4,
        Strategy.TRADITIONAL: 1,
    }


def test_the_traditional_study_has_white_steps_only_and_each_combined_one_an_orange_step():
    for study in FOUNDING.studies:
        colors = {FOUNDING.technique(step.technique).color for step in study.steps}
        if study.strategy is Strategy.TRADITIONAL:
            assert colors == {"white"}
        else:
            assert "orange" in colors


@pytest.mark.parametrize(("matrix", "study"), EVERY, ids=NAMES)
def test_each_step_serves_one_of_the_tactics_of_its_technique(matrix, study: CaseStudy):
    assert study.steps
    for step in study.steps:
        assert step.tactic in matrix.technique(step.technique).tactics


@pytest.mark.parametrize(("matrix", "study"), EVERY, ids=NAMES)
def test_each_study_says_when_who_and_which_system(matrix, study: CaseStudy):
    assert study.date
    assert study.date <= matrix.released or study.id.startswith("AMLTM.")
    assert all(study.actors)
    assert study.target
    assert all(url.startswith(("https://", "http://")) for url in study.references)
    assert study.reference == (study.references[0] if study.references else None)


def test_every_atlas_study_has_a_summary_and_every_step_of_2020_another():
    assert len({study.summary for study in ATLAS.studies}) == 57
    assert all(study.summary.endswith(".") and len(study.summary) < 180 for study in ATLAS.studies)
    assert all(step.summary for study in FOUNDING.studies for step in study.steps)
    # How the figures of 2020 are drawn is for those who keep the file, not for those who read a study.
    assert not any("figure" in step.summary for study in FOUNDING.studies for step in study.steps)


def test_each_study_of_2020_is_told_again_by_atlas_with_the_same_date():
    assert len({study.same_as for study in FOUNDING.studies}) == 13
    for study in FOUNDING.studies:
        again = ATLAS.study(str(study.same_as))
        assert (again.date, again.precision, again.type) == (study.date, study.precision, study.type)


def test_the_studies_of_2020_equal_the_independently_gathered_list(shared_facts):
    rows = shared_facts("reference", "matrix-2020", "case_studies.yaml")["case_studies"]
    tactics = {tactic.id: tactic.name for tactic in FOUNDING.tactics}
    for study, row in zip(FOUNDING.studies, rows, strict=True):
        assert (study.id, study.same_as, study.name, study.type) == (
            row["id"],
            row["atlas_id"],
            row["name"],
            row["type"],
        )
        assert (study.strategy, study.target, list(study.references)) == (
            row["strategy"],
            row["target"],
            row["references"],
        )
        assert str(study.date) == row["incident_date"]
        assert study.precision == PRECISION[row["incident_date_granularity"]]
        for step, there in zip(study.steps, row["steps"], strict=True):
            assert (tactics[step.tactic], step.technique) == (there["tactic"], there["technique"])
            assert there["summary"].startswith(step.summary)


def test_the_studies_of_atlas_equal_its_own_file(shared_facts):
    rows = shared_facts("data", "atlas", "ATLAS-v5.6.1.yaml")["case-studies"]
    for study, row in zip(ATLAS.studies, rows, strict=True):
        assert (study.id, study.type, study.date) == (row["id"], row["case-study-type"], row["incident-date"])
        assert study.name == row["name"].replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        assert study.precision == PRECISION[row["incident-date-granularity"]]
        assert [(step.tactic, step.technique) for step in study.steps] == [
            (step["tactic"], step["technique"]) for step in row["procedure"]
        ]
        assert list(study.references) == [ref["url"] for ref in row.get("references") or [] if ref.get("url")]


def test_no_summary_is_copied_from_atlas(shared_facts):
    rows = {row["id"]: row for row in shared_facts("data", "atlas", "ATLAS-v5.6.1.yaml")["case-studies"]}
    for study in ATLAS.studies:
        theirs = " ".join(rows[study.id]["summary"].casefold().split())
        ours = study.summary.casefold().split()
        copied = [" ".join(ours[at : at + 8]) for at in range(len(ours) - 7)]
        assert not [words for words in copied if words in theirs], study.id


def test_a_technique_knows_the_studies_that_show_it():
    assert [study.id for study in FOUNDING.studies_of("AMLTM.EXFIL.03.01")] == ["AMLTM.CS11"]
    assert "AML.CS0056" in [study.id for study in ATLAS.studies_of("AML.T0024.002")]


def test_every_demonstrated_technique_of_atlas_and_no_feasible_one_is_shown_or_stands_above_one():
    for technique in ATLAS.techniques:
        shown = ATLAS.studies_of(technique.id)
        assert not (shown and technique.maturity == "feasible"), technique.id


def test_both_forms_of_a_step_are_read_and_the_first_reference_is_the_report():
    (row,) = parse(FILE, StudiesFile, "test.yaml").studies
    study = row.case_study()
    assert study.steps == (StudyStep("TA", "T.1"), StudyStep("TB", "T.2", "Went on."))
    assert (study.reference, study.when) == ("https://example.org/report", "2020-02")
    assert study.as_evidence == Study(
        "S.1", "One", StudyType.EXERCISE, date(2020, 2, 3), Precision.MONTH, "https://example.org/report"
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("TA/T.1", "TA", "not of the form TACTIC/TECHNIQUE"),
        ("TA/T.1", "/T.1", "not of the form TACTIC/TECHNIQUE"),
        ("[TA/T.1, {tactic: TB, technique: T.2, summary: Went on.}]", "[]", "at least 1 item"),
        ("date: 2020-02-03", "date: soon", "date"),
        ("  date: 2020-02-03\n", "", "date"),
        ("precision: month", "precision: week", "precision"),
        ("name: One", "name: One\n  severity: high", "severity"),
        ("technique: T.2,", "technique: T.2, mitigation: none,", "mitigation"),
    ],
)
def test_a_damaged_file_is_rejected_with_the_key(old: str, new: str, reason: str):
    assert old in FILE
    with pytest.raises(CaponierError, match=reason) as damaged:
        parse(FILE.replace(old, new), StudiesFile, "test.yaml")
    assert damaged.value.where == "test.yaml"


EVIDENCE = """
schema: caponier.evidence/1
matrix: test
sources: [{id: CVE-2019-0001, name: A flaw, date: 2019-09-13, precision: day, type: exercise, reference: "https://x.example"}]
techniques: [{id: AMLTM.RECON.01, grade: later-study, studies_later: [{study: CVE-2019-0001, through: []}]}]
"""


def test_a_source_that_is_no_case_study_can_show_an_entry():
    given = parse(EVIDENCE, EvidenceFile, "evidence.yaml")
    (entry, *_) = with_evidence(FOUNDING.techniques, given, case_studies("atlas-5.6"))
    assert entry.evidence
    assert [source.study.name for source in entry.evidence.sources] == ["A flaw"]


def test_a_row_that_rests_on_nothing_is_named():
    given = parse(EVIDENCE.replace("study: CVE-2019-0001", "study: CVE-2019-0002"), EvidenceFile, "evidence.yaml")
    with pytest.raises(CaponierError, match=r"AMLTM\.RECON\.01 rests on CVE-2019-0002"):
        with_evidence(FOUNDING.techniques, given, case_studies("atlas-5.6"))


def test_evidence_names_studies_without_their_steps():
    sources = [source for entry in FOUNDING.techniques if entry.evidence for source in entry.evidence.sources]
    assert sources
    assert {type(source.study) for source in sources} == {Study}


def test_a_study_shows_a_technique_only_if_a_step_names_it():
    tay = FOUNDING.study("AMLTM.CS10")
    assert tay.shows("AMLTM.IMPACT.01")
    assert not replace(tay, steps=tay.steps[:1]).shows("AMLTM.IMPACT.01")
