from collections import Counter

import pytest

from caponier.matrix import crosswalk
from caponier.matrix.crosswalk import Mapping, Relation
from caponier.matrix.technique import TechniqueId
from caponier.matrix.versions.catalogue import load

WALK = crosswalk.load()
FOUNDING = load("amltm-2020")
ATLAS = load("atlas-5.6")
every_row = pytest.mark.parametrize("row", WALK.techniques, ids=lambda row: row.id)


def test_joins_the_two_shipped_versions():
    assert (WALK.source, WALK.target) == ("amltm-2020", "atlas-5.6")


def test_has_one_row_for_every_entry_in_order():
    assert [row.id for row in WALK.techniques] == [entry.id for entry in FOUNDING.techniques]


def test_counts_by_relation():
    assert Counter(row.relation for row in WALK.techniques) == {
        Relation.EXACT: 17,
        Relation.SPLIT: 21,
        Relation.BROADER: 12,
        Relation.NARROWER: 2,
        Relation.NONE: 6,
    }


def test_equals_the_independently_gathered_list(shared_facts):
    rows = shared_facts("reference", "matrix-2020", "crosswalk.yaml")
    assert [(r.id, r.relation, list(r.atlas), list(r.also)) for r in WALK.techniques] == [
        (row["id"], row["relation"], row["atlas"], row["also"]) for row in rows["techniques"]
    ]
    assert [(t.id, list(t.atlas)) for t in WALK.tactics] == [(row["id"], row["atlas"]) for row in rows["tactics"]]


@every_row
def test_every_atlas_id_exists_and_has_a_name(row: Mapping):
    for id_ in (*row.atlas, *row.also):
        assert ATLAS.technique(id_).name


@every_row
def test_relation_fits_the_ids_and_has_a_reason(row: Mapping):
    assert row.reason
    assert (row.relation is Relation.NONE) == (not row.atlas)
    assert not set(row.atlas) & set(row.also)
    if row.relation is Relation.SPLIT:
        assert len(row.atlas) > 1


@every_row
def test_what_has_no_atlas_entry_carries_an_attack_id(row: Mapping):
    if row.relation is Relation.NONE:
        assert FOUNDING.technique(row.id).attack


def test_every_tactic_maps_to_tactics_that_exist():
    assert [row.id for row in WALK.tactics] == [tactic.id for tactic in FOUNDING.tactics]
    mapped = {id_ for row in WALK.tactics for id_ in row.atlas}
    known = {tactic.id for tactic in ATLAS.tactics}
    assert mapped <= known
    assert known - mapped == set(WALK.atlas_tactics_without_2020_column)


def test_there_and_back_again():
    for entry in FOUNDING.techniques:
        for target in crosswalk.to_atlas(entry.id):
            assert TechniqueId("amltm-2020", entry.id) in crosswalk.to_2020(target.id)


def test_both_columns_of_an_entry_come_back_from_atlas():
    back = crosswalk.to_2020("AML.T0024.002")
    assert back == (TechniqueId("amltm-2020", "AMLTM.RECON.06"), TechniqueId("amltm-2020", "AMLTM.EXFIL.02"))


def test_unknown_ids_map_to_nothing():
    assert crosswalk.to_atlas("AMLTM.NO.01") == ()
    assert crosswalk.to_2020("AML.T9999") == ()
    assert WALK.mapping("AMLTM.NO.01") is None
    assert WALK.tactic("AMLTM.NO") is None


def test_newer_release_is_marked_as_unchecked_and_only_names_known_entries():
    newer = WALK.newer_release
    assert newer.checked is False
    assert all(row.id in FOUNDING for row in newer.techniques)
    # A row that only follows an id which was replaced has no place there: that is known of the id already.
    assert all({id_ for id_ in (*row.atlas, *row.also) if id_ not in ATLAS} for row in newer.techniques)


def test_every_relation_has_words():
    assert len({relation.words for relation in Relation}) == len(Relation)
