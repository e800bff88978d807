"""Which entries of any ATLAS version stand for a 2020 entry: only entries that it has, and every doubt is said."""

from dataclasses import replace

import pytest

from caponier.matrix import crosswalk
from caponier.matrix.crosswalk import Relation
from caponier.matrix.mapping import correspondence
from caponier.matrix.versions.catalogue import Matrix, load
from caponier.matrix.versions.loaders import load_file
from matrix.conftest import SHARED
from matrix.versions_by_hand import entry, version

ATLAS = load("atlas-5.6")
RELEASES = ("3.0.0", "4.4.0", "4.9.1", "5.6.1")


def release(name: str) -> Matrix:
    path = SHARED / "data" / "atlas" / f"ATLAS-v{name}.yaml"
    if not path.exists():
        pytest.skip(f"nothing to compare with beside the repository: {path.name}")
    return load_file(path).matrix


def without(*gone: str) -> Matrix:
    """Return ATLAS as of an older release that lacked some entries."""
    left = tuple(technique for technique in ATLAS.techniques if technique.id not in gone)
    return replace(ATLAS, version="atlas-5.5.0", techniques=left)


def by_id(atlas: Matrix) -> dict[str, correspondence.Correspondence]:
    return {row.id: row for row in correspondence.techniques(atlas)}


def test_for_the_version_that_the_crosswalk_is_written_for_it_is_the_crosswalk():
    rows = correspondence.techniques(ATLAS)
    assert [(row.id, row.relation, row.atlas, row.reason) for row in rows] == [
        (row.id, row.relation, row.atlas, row.reason) for row in crosswalk.load().techniques
    ]
    assert all(row.note == "" and row.sure for row in rows)
    assert [row.needs_human for row in rows] == [row.relation is not Relation.EXACT for row in rows]


@pytest.mark.parametrize("name", RELEASES)
def test_a_row_names_only_entries_that_the_version_has(name: str):
    atlas = release(name)
    tactics = {tactic.id for tactic in atlas.tactics}
    for row in correspondence.techniques(atlas):
        assert all(id_ in atlas for id_ in row.atlas)
        assert (row.relation is Relation.NONE) == (not row.atlas)
        assert row.relation is not Relation.SPLIT or len(row.atlas) > 1
    for row in correspondence.tactics(atlas):
        assert set(row.atlas) <= tactics
        assert row.atlas


@pytest.mark.parametrize("name", RELEASES)
def test_a_row_that_differs_from_the_crosswalk_says_how_it_was_carried(name: str):
    for row in correspondence.techniques(release(name)):
        written = crosswalk.load().mapping(row.id)
        assert written is not None
        if row.atlas != written.atlas:
            assert "carried from atlas-5.6" in row.note


def test_a_split_of_which_one_is_left_covers_only_a_part():
    row = by_id(without("AML.T0059"))["AMLTM.EVADE.03.03"]
    assert (row.relation, row.atlas, row.sure) == (Relation.NARROWER, ("AML.T0046",), False)
    assert row.said.startswith("ATLAS covers only a part: ")
    assert "atlas-5.5.0 does not have AML.T0059" in row.said


def test_an_exact_row_whose_entry_is_not_there_yet_is_no_row():
    row = by_id(without("AML.T0052"))["AMLTM.INIT.03"]
    assert (row.relation, row.atlas, row.needs_human) == (Relation.NONE, (), True)
    told = "ATLAS has no counterpart: atlas-5.5.0 does not have AML.T0052; carried from atlas-5.6 to atlas-5.5.0"
    assert row.said == told


def test_an_id_that_was_only_replaced_is_as_sure_as_before():
    older = replace(without("AML.T0048.004"), version="atlas-4.4.0")
    row = by_id(replace(older, techniques=(*older.techniques, entry("AML.T0045", tactics=("AML.TA0011",)))))[
        "AMLTM.IMPACT.03"
    ]
    assert (row.relation, row.atlas, row.needs_human) == (Relation.EXACT, ("AML.T0045",), False)
    assert "AML.T0045 -> AML.T0048.004 (ATLAS 4.5.0" in row.note


def test_a_changed_meaning_on_the_way_is_a_doubt():
    # In 4.4 the entry meant backdoors only.
    row = by_id(replace(ATLAS, version="atlas-4.4.0"))["AMLTM.PERSIST.01"]
    assert not row.sure
    assert "ATLAS 4.9.0" in row.note


def test_a_version_with_none_of_the_entries():
    empty = version("atlas-1.0.0", tactics=())
    assert {row.relation for row in correspondence.techniques(empty)} == {Relation.NONE}
    assert {row.relation for row in correspondence.tactics(empty)} == {Relation.NONE}


def test_a_tactic_of_which_much_moved_away_is_only_a_part():
    rows = {row.id: row for row in correspondence.tactics(ATLAS)}
    assert rows["AMLTM.RECON"].relation is Relation.NARROWER
    assert rows["AMLTM.EVADE"].relation is Relation.SPLIT
    assert rows["AMLTM.IMPACT"].said == "ATLAS means the same"


@pytest.mark.parametrize("relation", list(Relation))
def test_every_relation_can_be_said(relation: Relation):
    assert correspondence.Correspondence("X", relation, (), "because").said.endswith(": because")
