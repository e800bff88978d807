import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.matrix.documents import ids
from caponier.matrix.documents.ids import Role, Spelling
from caponier.matrix.versions.catalogue import load, versions


@pytest.mark.parametrize("version", versions())
def test_every_id_that_ships_is_well_formed_and_says_its_kind_and_role(version: str):
    matrix = load(version)
    for technique in matrix.techniques:
        assert (ids.kind_of(technique.id), ids.role_of(technique.id)) == (matrix.kind, Role.TECHNIQUE)
        assert ids.looks_like_one(technique.id)
        assert ids.IN_TEXT.fullmatch(technique.id)
        if technique.parent:
            assert ids.parent_of(technique.id) == technique.parent
        else:
            assert ids.parent_of(technique.id) is None
    for tactic in matrix.tactics:
        assert (ids.kind_of(tactic.id), ids.role_of(tactic.id)) == (matrix.kind, Role.TACTIC)


@pytest.mark.parametrize(
    ("id_", "kind", "role"),
    [
        ("MLT0043", ids.FIRST, Role.TECHNIQUE),
        ("MLTA0000", ids.FIRST, Role.TACTIC),
        ("T1566.001", ids.ATTACK, Role.TECHNIQUE),
        ("TA0043", ids.ATTACK, Role.TACTIC),
        ("AML.T43", None, Role.TECHNIQUE),
        ("T086", None, Role.TECHNIQUE),
        ("AML.T0043.01", None, Role.TECHNIQUE),
        ("aml.t0043", None, Role.TECHNIQUE),
        ("", None, Role.TECHNIQUE),
    ],
)
def test_kind_and_role(id_: str, kind: str | None, role: Role):
    assert (ids.kind_of(id_), ids.role_of(id_)) == (kind, role)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("AML.T43", "AML.T0043"),
        ("T086", "T0086"),
        ("T0043.2", "T0043.002"),
        ("AML-T0043", "AML.T0043"),
        ("AMLT0043", "AML.T0043"),
        ("aml.ta5", "AML.TA0005"),
        ("AML.T00043", "AML.T0043"),
        ("AML.T0043.0001", "AML.T0043.001"),
        ("T1566/001", "T1566.001"),
        ("AML.T123456", None),
        ("AML.T0043.123456", None),
        ("AMLTM.EVADE.1", None),
        ("Evasion", None),
    ],
)
def test_a_malformed_id_is_mended_where_it_is_plain_what_was_meant(wrong: str, right: str | None):
    assert ids.corrected(wrong) == right


@pytest.mark.parametrize(
    "other", ["AML.M0004", "AML.CS0013", "aml.m0004", "S0154", "G0016", "DS0029", "M1040", "DET0001"]
)
def test_ids_of_other_things_are_told_apart(other: str):
    assert ids.is_other(other)
    assert not ids.is_other("AML.T0004")
    assert not ids.looks_like_one(other)


@pytest.mark.parametrize(
    ("spelling", "id_", "written"),
    [
        (Spelling.PLAIN, "AML.T0043.001", "AML.T0043.001"),
        (Spelling.SIGMA, "AML.T0043.001", "atlas.aml.t0043.001"),
        (Spelling.SIGMA, "T1078", "attack.t1078"),
        (Spelling.SIGMA, "AMLTM.EXFIL.03.01", "amltm.exfil.03.01"),
        (Spelling.PATH, "T1566.001", "T1566/001"),
        (Spelling.PATH, "AML.T0043.001", "AML.T0043.001"),
    ],
)
def test_each_format_writes_ids_in_its_own_way(spelling: Spelling, id_: str, written: str):
    assert spelling.write(id_) == written


@pytest.mark.parametrize(
    "text",
    ["xAML.T0043", "techniques/AML.T0043", "T1078x", "T1078.001.2", "AML.T0043.001.", "a-T1078", "atlas.AML.T0043"],
)
def test_ids_in_running_text_stand_alone(text: str):
    found = ids.IN_TEXT.search(text)
    assert found is None or (text, found[0]) == ("AML.T0043.001.", "AML.T0043.001")


@given(st.text(max_size=60))
def test_any_text_may_be_asked_about(text: str):
    assert ids.corrected(text) is None or ids.kind_of(ids.corrected(text)) is not None
    assert ids.canonical(ids.canonical(text)) == ids.canonical(text)
    if ids.kind_of(text):
        assert ids.looks_like_one(text)


@pytest.mark.parametrize(
    ("said", "id_", "kind"),
    [
        (ids.ATLAS, "AML.T0043", ids.ATLAS),
        (ids.ATLAS, "T0043", None),
        (ids.ATLAS, "TA0001", None),
        (ids.ATLAS, "AMLTM.EVADE.01", ids.FOUNDING),
        (ids.ATTACK, "T1078", ids.ATTACK),
        (ids.ATTACK, "AML.T0043", ids.ATLAS),
        ("", "T0043", ids.ATTACK),
        ("", "nothing", None),
    ],
)
def test_where_an_id_of_atlas_is_due_one_of_attack_has_lost_its_prefix(said: str, id_: str, kind: str | None):
    assert ids.kind_within(said, id_) == kind
