"""ATLAS 5.6 is there as facts only, and what was shown in research only is kept out of sight."""

import re
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files

import pytest

from caponier.matrix import attack
from caponier.matrix.evidence import Maturity
from caponier.matrix.technique import Level
from caponier.matrix.versions.catalogue import load

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


def test_tactics_equal_the_release(shared_facts):
    rows = shared_facts("data", "atlas", "ATLAS-v5.6.1.yaml")["matrices"][0]["tactics"]
    assert [(t.id, t.name, t.attack) for t in ATLAS.tactics] == [
        (row["id"], row["name"], row.get("ATT&CK-reference", {}).get("id")) for row in rows
    ]


def test_equals_the_release(shared_facts):
    matrix = shared_facts("data", "atlas", "ATLAS-v5.6.1.yaml")["matrices"][0]
    source = {row["id"]: row for row in matrix["techniques"]}
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


def test_attack_references_stand_in_the_version_of_attack_that_ships():
    tactics = {tactic.id for tactic in attack.tactics()}
    assert {tactic.attack for tactic in ATLAS.tactics if tactic.attack} <= tactics
    assert {entry.attack for entry in ATLAS.techniques if entry.attack} <= set(attack.names())


def test_entries_with_an_attack_id_stand_under_one_of_its_tactics_or_are_known_to_differ():
    of_attack = {tactic.id: tactic.attack for tactic in ATLAS.tactics}
    differ = {
        entry.id
        for entry in ATLAS.techniques
        if entry.attack
        and not {of_attack[id_] for id_ in entry.tactics} & {tactic.id for tactic in attack.tactics_of(entry.attack)}
    }
    assert differ == set()


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


def test_carries_no_colors_or_harms():
    for entry in ATLAS.techniques:
        assert (entry.color, entry.harms, entry.evidence) == (None, (), None)


def test_every_entry_and_tactic_is_told_in_one_short_sentence_of_its_own():
    told = [noun.description for noun in (*ATLAS.tactics, *ATLAS.techniques)]
    assert len(set(told)) == len(told) == 186
    for sentence in told:
        assert 30 < len(sentence) <= 160, sentence
        assert re.fullmatch(r"[A-Z][ -~]*[^.]\.", sentence), sentence
        assert ". " not in sentence, sentence


def test_a_sentence_says_what_the_attacker_does_and_nothing_against_it():
    for noun in (*ATLAS.tactics, *ATLAS.techniques):
        assert not re.search(r"mitigat|should be|defend|prevent|detected by|risk|severe", noun.description), noun.id


def test_no_sentence_is_taken_from_the_release(shared_facts):
    theirs = {run for text in texts_in(shared_facts("data", "atlas", "ATLAS-v5.6.1.yaml")) for run in runs_of(text)}
    assert len(theirs) > 20_000
    taken = {noun.id for noun in (*ATLAS.tactics, *ATLAS.techniques) if theirs & set(runs_of(noun.description))}
    assert taken == set()


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)
    elif isinstance(value, str):
        yield re.sub(r"\{\{.*?\}\}|\]\([^)]*\)", "", value)


def runs_of(text: str) -> list[tuple[str, ...]]:
    """Every five words that follow each other."""
    words = re.findall(r"[a-z0-9'-]+", text.lower())
    return [tuple(words[at : at + 5]) for at in range(len(words) - 4)]


def test_words_of_a_sentence_are_found():
    assert ATLAS.technique("AML.T0109") in ATLAS.search(["honest", "component"])


def test_facts_stay_compact():
    text = (files("caponier.matrix") / "data" / "atlas-5.6.yaml").read_text(encoding="utf-8")
    assert len(text) < 50_000
