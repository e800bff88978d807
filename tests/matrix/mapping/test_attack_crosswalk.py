from collections import Counter

import pytest

from caponier.matrix import attack
from caponier.matrix.crosswalk import Relation
from caponier.matrix.mapping import attack_crosswalk
from caponier.matrix.mapping.attack_crosswalk import AttackCrosswalk, AttackMapping
from caponier.matrix.shipped import read
from caponier.matrix.technique import Color
from caponier.matrix.versions.catalogue import load

WALK = attack_crosswalk.load()
FILE = read("crosswalk-attack.yaml", AttackCrosswalk)
FOUNDING = load("amltm-2020")
every_row = pytest.mark.parametrize("row", WALK.techniques, ids=lambda row: row.id)


def test_says_with_which_version_it_was_made_and_that_one_ships():
    assert (WALK.source, WALK.target, WALK.target_version) == ("amltm-2020", "attack-enterprise", attack.VERSION)


def test_has_one_row_for_every_entry_in_order():
    assert [row.id for row in WALK.techniques] == [entry.id for entry in FOUNDING.techniques]


def test_counts_by_relation():
    assert Counter(row.relation for row in WALK.techniques) == {
        Relation.EXACT: 9,
        Relation.BROADER: 9,
        Relation.NARROWER: 4,
        Relation.SPLIT: 5,
        Relation.RELATED: 15,
        Relation.NONE: 16,
    }


@every_row
def test_every_id_stands_in_that_version(row: AttackMapping):
    for id_ in (*row.attack, *row.also):
        assert id_ in attack.names(), id_
    assert not set(row.attack) & set(row.also)


@every_row
def test_relation_fits_the_ids_and_has_a_reason(row: AttackMapping):
    assert len(row.reason.split()) > 4
    assert (row.relation is Relation.NONE) == (not row.attack)
    if row.relation is Relation.SPLIT:
        assert len(row.attack) > 1


@every_row
def test_what_an_entry_carries_is_said_by_the_matrix_alone(row: AttackMapping):
    entry = FOUNDING.technique(row.id)
    written = FILE.mapping(row.id)
    if entry.attack:
        assert row.attack == entry.attack_ids
        assert written.attack == ()
    else:
        assert row.attack == written.attack


@every_row
def test_only_what_is_from_attack_is_the_same_as_there(row: AttackMapping):
    if row.relation is Relation.EXACT:
        assert FOUNDING.technique(row.id).color is Color.WHITE


def test_every_technique_that_a_basis_speaks_of_is_named_too():
    for row in WALK.techniques:
        basis = FOUNDING.technique(row.id).attack_basis or ""
        named = {word.strip(":;,.()") for word in basis.split() if word.strip(":;,.()") in attack.names()}
        assert named <= {*row.attack, *row.also}, row.id


def test_there_and_back_again():
    for row in WALK.techniques:
        assert all(row in WALK.from_attack(id_) for id_ in row.attack)


def test_the_same_act_in_two_columns_has_the_same_nearest_techniques():
    stealing, copying = WALK.mapping("AMLTM.EXFIL.02"), WALK.mapping("AMLTM.RECON.06")
    assert (stealing.relation, stealing.also) == (copying.relation, copying.also)


def test_unknown_ids_map_to_nothing():
    assert WALK.mapping("AMLTM.NO.01") is None
    assert WALK.from_attack("T9999") == ()
