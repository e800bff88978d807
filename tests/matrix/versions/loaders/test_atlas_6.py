"""Format 6: objects by id, tactics and parents from relationships, steps in the order of the attack."""

import datetime

import pytest

from caponier.errors import InputError
from caponier.matrix.evidence import Maturity, Precision, StudyType
from caponier.matrix.versions.loaders import load_file
from matrix.versions.loaders.conftest import FOLDER

FILE = "atlas-2026.09.yaml"


def test_a_file_of_format_6_is_read():
    release = load_file(FOLDER / FILE)
    matrix = release.matrix
    assert (release.format, matrix.version) == ("atlas-6", "atlas-2026.09")
    assert matrix.released == datetime.date(2026, 9, 15)
    assert len(matrix.techniques) == 16
    assert matrix.technique("AML.T0051").maturity is Maturity.REALIZED
    assert matrix.technique("AML.T0000").attack == "T1596"
    assert matrix.technique("AML.T0115.002").parent == "AML.T0115"
    assert [m.techniques for m in release.countermeasures] == [("AML.T0024", "AML.T0040"), ("AML.T0020",)]


def test_tactics_stand_in_the_order_of_the_matrix():
    tactics = load_file(FOLDER / FILE).matrix.tactics
    assert [t.id[-2:] for t in tactics] == ["02", "03", "04", "00", "05", "06", "07", "01", "11"]


def test_a_sub_technique_has_its_own_tactics_or_those_of_its_parent():
    matrix = load_file(FOLDER / FILE).matrix
    assert matrix.technique("AML.T0051").tactics == ("AML.TA0005",)
    assert matrix.technique("AML.T0051.001").tactics == ("AML.TA0004", "AML.TA0005")
    assert matrix.technique("AML.T0043.001").tactics == matrix.technique("AML.T0043").tactics


def test_steps_follow_the_attack_and_not_the_file():
    steps = load_file(FOLDER / FILE).matrix.study("AML.CS0003").steps
    assert [step.technique for step in steps] == [
        "AML.T0000",
        "AML.T0040",
        "AML.T0043.001",
        "AML.T0043",
        "AML.T0015",
    ]
    assert [step.leads_to for step in steps] == [(2,), (3, 4), (5,), (5,), ()]
    assert steps[0].summary == "They read what was public."


def test_dates_types_and_references_of_studies():
    matrix = load_file(FOLDER / FILE).matrix
    day, month, year = (matrix.study(id_) for id_ in ("AML.CS0003", "AML.CS0009", "AML.CS0024"))
    assert (day.when, month.when, year.when) == ("2019-09-07", "2016-03", "2024")
    assert (month.type, month.precision) == (StudyType.INCIDENT, Precision.MONTH)
    assert (day.references, month.references) == (("https://example.org/talk",), ())


def test_steps_without_leads_to_keep_their_numbers(changed):
    def cut(content):
        for step in content["relationships"]["AML.CS0003"]["employs"]:
            del step["leads-to"]

    steps = changed(FILE, cut).matrix.study("AML.CS0003").steps
    assert [step.technique[-7:] for step in steps[:2]] == ["L.T0000", "L.T0040"]
    assert {step.leads_to for step in steps} == {None}


def test_a_number_is_known_by_its_month_and_the_other_way_round(changed):
    release = changed(FILE, lambda content: content["collection"].update(version="2026.04"), "2026.04")
    assert (release.matrix.version, release.matrix.released) == ("atlas-2026.04", datetime.date(2026, 4, 30))
    assert "ATLAS also numbers this release 5.6.0." in release.remarks


def test_tactics_of_the_migrated_releases_are_told_by_name(changed):
    def age(content):
        content["collection"]["version"] = "2021.10"
        # ATT&CK's TA0002 is Execution; ATLAS's own AML.TA0002 is Reconnaissance.
        content["tactics"] = {"AML.TA0002": {"id": "AML.TA0002", "object-type": "tactic", "name": "Execution"}}
        content["techniques"] = {"AML.T0011": {"id": "AML.T0011", "object-type": "technique", "name": "User Execution"}}
        content["mitigations"] = content["case-studies"] = None
        link = {"source": "AML.T0011", "target": "AML.TA0002", "relationship-type": "achieves"}
        content["relationships"] = {"AML.T0011": {"achieves": [link]}}

    release = changed(FILE, age)
    assert [(t.id, t.name) for t in release.matrix.tactics] == [("AML.TA0005", "Execution")]
    assert release.matrix.technique("AML.T0011").tactics == ("AML.TA0005",)
    assert any("bear the numbers of ATT&CK" in remark for remark in release.remarks)


def test_later_releases_keep_their_tactic_ids_whatever_the_names():
    assert load_file(FOLDER / FILE).matrix.tactic("AML.TA0001").name == "AI Attack Adaptation"


def test_relationships_of_an_unknown_type_are_said(changed):
    def add(content):
        content["relationships"]["AML.T0000"]["resembles\x1b"] = []

    remarks = changed(FILE, add).remarks
    assert any("unknown types were not read: 'resembles\\x1b'" in remark for remark in remarks)


def test_a_platform_that_nobody_knows_yet_is_no_error(changed):
    release = changed(FILE, lambda content: content["techniques"]["AML.T0000"].update(platforms=["Quantum AI"]))
    assert "AML.T0000" in release.matrix


def first_step(content):
    return content["relationships"]["AML.CS0009"]["employs"][0]


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        (lambda c: c.update({"format-version": "7.0.0"}), "format-version", "'7.0.0' is no version"),
        (lambda c: c.update({"format-version": None}), "top", "'format-version' is missing"),
        (lambda c: c.pop("format-version"), "top", "'format-version' is missing"),
        (lambda c: c["collection"].update(version="next"), "collection.version", "'next' is no version"),
        (lambda c: c.pop("collection"), "top", "the file does not say its version"),
        (lambda c: c.pop("relationships"), "top", "'relationships' is missing: the file may be cut off"),
        (
            lambda c: c["techniques"].update({"AML.T0001": c["techniques"]["AML.T0000"]}),
            "techniques.AML.T0001 (AML.T0000)",
            "stands under the key 'AML.T0001', which is not its id",
        ),
        (lambda c: c["techniques"].update(stray={"id": "stray", "use": "x"}), "techniques.stray", "'stray' is no id"),
        (lambda c: c.update(techniques=[]), "techniques", "a mapping is wanted here, this is a list"),
        (lambda c: first_step(c).update({"leads-to": ["S09"]}), "AML.CS0009", "step S01 leads to S09"),
        (lambda c: first_step(c).update({"leads-to": ["S00"]}), "AML.CS0009", "in a circle: S00, S01"),
        (lambda c: first_step(c).update({"leads-to": ["S01"]}), "AML.CS0009", "in a circle: S01"),
        (lambda c: first_step(c).update({"step-id": "S00"}), "AML.CS0009.employs.1", "the step S00 is there twice"),
        (lambda c: first_step(c).update({"step-id": "one"}), "employs.0.step-id", "'one' is no id of a step"),
        (lambda c: first_step(c).update(source="AML.CS0001"), "employs.0.source", "which is not its source"),
        (
            lambda c: first_step(c).update({"relationship-type": "achieves"}),
            "employs.0.relationship-type",
            "stands among those of type 'employs'",
        ),
        (lambda c: c["case-studies"].pop("AML.CS0009"), "relationships.AML.CS0009", "no object of this file"),
        (
            lambda c: c["relationships"]["AML.T0115.000"]["specializes"].append({"target": "AML.T0051"}),
            "techniques.AML.T0115.000",
            "under 2 parents",
        ),
        (
            lambda c: c["relationships"]["ATLAS-matrix"]["sequences"][0].update(position="first"),
            "sequences.0.position",
            "a place from 1 on",
        ),
        (
            lambda c: c["relationships"]["ATLAS-matrix"]["sequences"][0].update(target="AML.TA0099"),
            "relationships",
            "names AML.TA0099, which is not there",
        ),
    ],
)
def test_what_is_wrong_is_an_error_with_its_place(changed, change, place: str, what: str):
    with pytest.raises(InputError) as wrong:
        changed(FILE, change)
    assert wrong.value.exit_code == 2
    assert what in wrong.value.what
    assert place in (wrong.value.where or "")
    assert wrong.value.hint
