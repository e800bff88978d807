"""Formats 4 and 5: one matrix in a list, counter-measures beside it, and objects in the wrong place."""

import datetime

import pytest

from caponier.errors import InputError
from caponier.matrix.evidence import Maturity, Precision, StudyType
from caponier.matrix.versions.loaders import load_file
from caponier.matrix.versions.release import Countermeasure
from matrix.versions.loaders.conftest import FOLDER

OLD, NEW = "format-4.yaml", "format-5.yaml"


def test_a_file_of_format_4_is_read():
    release = load_file(FOLDER / OLD)
    assert (release.format, release.matrix.version) == ("atlas-4", "atlas-4.4.9")
    assert release.matrix.tactic("AML.TA0002").attack == "TA0043"
    assert release.countermeasures == (
        Countermeasure("AML.M0000", "Limit Release of Public Information", ("AML.T0000",)),
    )
    (study,) = release.matrix.studies
    assert (study.actors, study.target, study.type) == (("Skylight Cyber",), "CylancePROTECT", StudyType.EXERCISE)
    assert (study.date, study.precision) == (datetime.date(2019, 9, 7), Precision.DAY)
    assert study.reference == "https://example.org/talk"


def test_counter_measures_never_enter_the_matrix():
    matrix = load_file(FOLDER / OLD).matrix
    assert "AML.M0000" not in repr(matrix)
    assert "Say less" not in repr(load_file(FOLDER / OLD))


def test_format_5_has_maturity_which_decides_on_the_default_view():
    matrix = load_file(FOLDER / NEW).matrix
    assert matrix.technique("AML.T0000").maturity is Maturity.FEASIBLE
    assert "AML.T0000" not in [t.id for t in matrix.shown()]
    assert all(t.evidence is None for t in matrix.techniques)


def test_both_spellings_of_a_parent_are_read(changed):
    def respell(content):
        row = content["matrices"][0]["techniques"][2]
        row["subtechnique-of"] = row.pop("specializes")

    assert load_file(FOLDER / NEW).matrix.technique("AML.T0052.001").parent == "AML.T0052"
    assert changed(NEW, respell).matrix.technique("AML.T0052.001").parent == "AML.T0052"


def test_a_date_is_as_exact_as_the_file_says():
    (study,) = load_file(FOLDER / NEW).matrix.studies
    assert (study.when, study.date) == ("2024-01", datetime.date(2024, 1, 1))


def test_an_object_in_the_known_wrong_place_is_moved_and_said():
    release = load_file(FOLDER / NEW)
    assert release.countermeasures[0].techniques == ("AML.T0052", "AML.T0052.001")
    assert any("AML.T0052.001 stood at matrices.0.mitigations.0.ml-lifecycle.1" in r for r in release.remarks)


def test_an_attack_id_that_does_not_fit_is_put_right_and_said():
    release = load_file(FOLDER / NEW)
    entry = release.matrix.technique("AML.T0106")
    assert (entry.attack, "T1211" in entry.attack_basis) == ("T1212", True)
    assert any(
        remark.startswith("AML.T0106: its ATT&CK id T1211 was put right as T1212.") for remark in release.remarks
    )


def test_an_attack_id_that_was_mended_at_the_source_is_left_alone(changed):
    def hint(content):
        content["matrices"][0]["techniques"][3]["ATT&CK-reference"]["id"] = "T1212"

    release = changed(NEW, hint)
    assert release.matrix.technique("AML.T0106").attack_basis is None
    assert not any("put right" in remark for remark in release.remarks)


def lifecycle(content, item):
    content["matrices"][0]["mitigations"][0]["ml-lifecycle"].append(item)


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        (lambda c: lifecycle(c, {"id": "AML.T0052"}), "mitigations.0.ml-lifecycle.2", "does not belong here"),
        (lambda c: lifecycle(c, {"id": "x", "use": "y"}), "mitigations.0.ml-lifecycle.2.id", "no id of a technique"),
        (lambda c: lifecycle(c, ["Deployment"]), "mitigations.0.ml-lifecycle.2", "text is wanted here"),
        (lambda c: c["matrices"].append({}), "matrices", "one matrix is wanted here, these are 2"),
        (lambda c: c.update(matrices=[]), "matrices", "one matrix is wanted here, these are 0"),
        (lambda c: c.update(matrices={"a": 1}), "matrices", "a list is wanted here, this is a mapping"),
        (lambda c: c["matrices"][0]["techniques"].append("AML.T0001"), "techniques.4", "a mapping is wanted here"),
        (
            lambda c: c["matrices"][0]["techniques"].append(c["matrices"][0]["mitigations"][0]),
            "techniques.4 (AML.M0018)",
            "an object of type 'mitigation' stands among those of type 'technique'",
        ),
        (lambda c: c["matrices"][0]["techniques"][0].pop("name"), "techniques.0 (AML.T0000)", "'name' is missing"),
        (
            lambda c: c["matrices"][0]["techniques"][0].update(maturity="proven"),
            "techniques.0.maturity",
            "'proven' is no maturity; there are: feasible",
        ),
        (
            lambda c: c["matrices"][0]["techniques"][0].update(tactics=["AML.TA0099"]),
            "format-5.yaml",
            "AML.T0000 names AML.TA0099, which is not there",
        ),
        (
            lambda c: c["matrices"][0]["techniques"][2].update(specializes="AML.T0099"),
            "format-5.yaml",
            "AML.T0099, which is not there",
        ),
        (
            lambda c: c["matrices"][0]["techniques"][1].update(specializes="AML.T0052.001", tactics=["AML.TA0004"]),
            "format-5.yaml",
            "which is itself a sub-technique",
        ),
        (lambda c: c["matrices"][0]["techniques"][0].pop("tactics"), "format-5.yaml", "AML.T0000 has no tactic"),
        (
            lambda c: c["case-studies"][0]["procedure"][0].update(technique="AML.T0099"),
            "format-5.yaml",
            "AML.CS0040 names AML.T0099, which is not there",
        ),
        (
            lambda c: c["case-studies"][0]["procedure"][0].update(tactic="AML.TA0099"),
            "format-5.yaml",
            "AML.CS0040 names AML.TA0099, which is not there",
        ),
        (
            lambda c: c["case-studies"][0].update({"incident-date": "2024-02-30"}),
            "case-studies.0.incident-date",
            "2024-02-30 is no day of the calendar",
        ),
        (
            lambda c: c["case-studies"][0].update({"incident-date": "last year"}),
            "case-studies.0.incident-date",
            "a date such as 2026-04-30",
        ),
        (
            lambda c: c["case-studies"][0].update({"incident-date-granularity": "WEEK"}),
            "case-studies.0.incident-date-granularity",
            "'week' does not say how much of a date is known",
        ),
        (
            lambda c: c["case-studies"][0].update({"case-study-type": "rumour"}),
            "case-studies.0.case-study-type",
            "'rumour' is no type of a case study",
        ),
        (
            lambda c: c["matrices"][0]["techniques"][0].update(name="a\x1b[2Jb"),
            "techniques.0.name",
            "one line of 1 to 300 plain characters",
        ),
        (lambda c: c["matrices"][0]["techniques"].clear(), "format-5.yaml", "no tactics or no techniques"),
    ],
)
def test_what_is_wrong_is_an_error_with_its_place(changed, change, place: str, what: str):
    with pytest.raises(InputError) as wrong:
        changed(NEW, change)
    assert wrong.value.exit_code == 2
    assert what in wrong.value.what
    assert place in (wrong.value.where or "")
    assert wrong.value.hint


@pytest.mark.parametrize("key", ["tactics", "techniques", "mitigations"])
def test_an_id_that_is_there_twice_is_an_error(changed, key: str):
    def double(content):
        rows = content["matrices"][0][key]
        rows.append(dict(rows[0], name="Another"))

    with pytest.raises(InputError, match=r"\bAML\.\w+.*twice"):
        changed(NEW, double)


def test_a_case_study_that_is_there_twice_is_an_error(changed):
    with pytest.raises(InputError, match=r"\bAML\.CS0040\b.*twice"):
        changed(NEW, lambda content: content["case-studies"].append(content["case-studies"][0]))
