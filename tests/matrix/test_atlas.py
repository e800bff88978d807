"""ATLAS 5.6 is there as facts only, and what was shown in research only is kept out of sight."""

from collections import Counter
from importlib.resources import files

import pytest

from caponier.matrix import attack
from caponier.matrix.catalogue import load
from caponier.matrix.evidence import Maturity
from caponier.matrix.technique import Level

ATLAS = load("atlas-5.6")
CORRECTED = {"AML.T0106": ("T1211", "T1212"), "AML.T0011.003": ("T1204", "T1204.001")}
"""ATT&CK ids that do not fit the name of the entry: ATLAS's own, and ours."""


def test_counts_of_the_release():
    assert len(ATLAS.tactics) == 16
    assert Counter(entry.level for entry in ATLAS.techniques) == {Level.TECHNIQUE: 101, Level.SUB_TECHNIQUE: 69}
    assert Counter(entry.maturity for entry in ATLAS.techniques) == {
        Maturity.FEASIBLE: 17,
        Maturity.DEMONSTRATED: 89,
        Maturity.REALIZED: 64,
    }


def test_equals_the_release(shared_facts):
    matrix = shared_facts("data", "atlas", "ATLAS-v5.6.1.yaml")["matrices"][0]
    source = {row["id"]: row for row in matrix["techniques"]}
    assert [(t.id, t.name) for t in ATLAS.tactics] == [(row["id"], row["name"]) for row in matrix["tactics"]]
    assert {entry.id for entry in ATLAS.techniques} == set(source)
    for entry in ATLAS.techniques:
        row = source[entry.id]
        parent = row.get("subtechnique-of")
        reference = row.get("ATT&CK-reference", {}).get("id")
        wanted = CORRECTED[entry.id][1] if entry.id in CORRECTED else reference
        assert (entry.name, entry.parent, entry.maturity) == (row["name"], parent, row["maturity"])
        assert list(entry.tactics) == (row.get("tactics") or source[parent]["tactics"])
        assert entry.attack == wanted


@pytest.mark.parametrize("id_", CORRECTED)
def test_a_corrected_attack_id_says_so_and_fits_the_name(id_: str):
    entry = ATLAS.technique(id_)
    assert CORRECTED[id_][0] in entry.attack_basis
    assert attack.name(entry.attack) == entry.name


def test_sub_techniques_stand_in_the_columns_of_their_parent():
    for entry in ATLAS.techniques:
        if entry.parent:
            assert entry.tactics == ATLAS.technique(entry.parent).tactics


def test_research_only_entries_are_left_out_unless_everything_is_asked_for():
    assert len(ATLAS.shown()) == 153
    assert len(ATLAS.shown(everything=True)) == 170
    hidden = ATLAS.technique("AML.T0024.000")
    assert hidden not in ATLAS.children("AML.T0024")
    assert hidden in ATLAS.children("AML.T0024", everything=True)
    assert ATLAS.search(["membership"]) == ()
    assert ATLAS.search(["membership"], everything=True) == (hidden,)


def test_no_shown_entry_hangs_under_a_hidden_one():
    shown = {entry.id for entry in ATLAS.shown()}
    assert all(entry.parent in shown for entry in ATLAS.shown() if entry.parent)


def test_carries_no_texts_colors_or_harms():
    for entry in ATLAS.techniques:
        assert (entry.description, entry.color, entry.harms, entry.evidence) == ("", None, (), None)


def test_facts_stay_compact():
    text = (files("caponier.matrix") / "data" / "atlas-5.6.yaml").read_text(encoding="utf-8")
    assert len(text) < 40_000
