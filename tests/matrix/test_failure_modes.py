from collections import Counter

import pytest

from caponier.errors import InputError
from caponier.matrix import crosswalk, failure_modes
from caponier.matrix.crosswalk import Relation
from caponier.matrix.failure_modes import FailureMode, Intent
from caponier.matrix.lookup import look_up
from caponier.matrix.versions.catalogue import load

MODES = failure_modes.load()
FOUNDING = load(MODES.matrix)
ATLAS = load(MODES.atlas)
every_mode = pytest.mark.parametrize("mode", MODES.modes, ids=lambda mode: mode.id)

NAMES = """
Perturbation attack / Poisoning attack / Model Inversion / Membership Inference / Model Stealing
/ Reprogramming ML system / Adversarial Example in Physical Domain / Malicious ML provider recovering training data
/ Attacking the ML supply chain / Backdoor ML / Exploit Software Dependencies / Reward Hacking / Side Effects
/ Distributional shifts / Natural Adversarial Examples / Common Corruption / Incomplete Testing
"""
"""The two tables of the document, in order."""


def test_every_mode_of_the_document_has_a_row_in_its_order():
    assert [mode.name for mode in MODES.modes] == [" ".join(name.split()) for name in NAMES.split("/")]
    assert [mode.number for mode in MODES.modes] == list(range(1, 18))


def test_eleven_are_attacks_and_six_are_not():
    assert Counter(mode.intent for mode in MODES.modes) == {Intent.INTENTIONAL: 11, Intent.UNINTENTIONAL: 6}
    assert all(bool(mode.harms) == (mode.intent is Intent.INTENTIONAL) for mode in MODES.modes)


def test_says_which_document_it_is():
    assert (MODES.title, MODES.released.isoformat(), len(MODES.authors)) == (
        "Failure Modes in Machine Learning",
        "2019-11-01",
        5,
    )
    assert MODES.reference.startswith("https://learn.microsoft.com/")


def test_counts_by_relation():
    assert Counter(mode.relation for mode in MODES.modes) == {
        Relation.EXACT: 6,
        Relation.SPLIT: 4,
        Relation.NARROWER: 1,
        Relation.NONE: 6,
    }


@every_mode
def test_every_entry_exists(mode: FailureMode):
    for id_ in (*mode.entries, *mode.also):
        assert id_ in FOUNDING or id_ in ATLAS
    assert all(id_ in FOUNDING for id_ in mode.ids)
    assert all(id_ in ATLAS for id_ in mode.atlas)
    assert not set(mode.entries) & set(mode.also)


@every_mode
def test_relation_fits_the_entries_and_has_a_reason(mode: FailureMode):
    assert len(mode.reason.split()) > 5
    assert (mode.relation is Relation.NONE) == (not mode.ids) == (not mode.atlas)
    if mode.relation is Relation.SPLIT:
        assert len(mode.ids) > 1


def test_no_two_modes_have_the_same_reason():
    assert len({mode.reason for mode in MODES.modes}) == len(MODES.modes)


@every_mode
def test_atlas_entries_agree_with_the_crosswalk(mode: FailureMode):
    rows = [row for id_ in mode.ids if (row := crosswalk.load().mapping(id_))]
    assert set(mode.atlas) <= {id_ for row in rows for id_ in (*row.atlas, *row.also)}


def test_what_nobody_does_on_purpose_is_not_an_attack_except_where_an_attacker_can_do_it_too():
    mapped = [mode.name for mode in MODES.modes if mode.intent is Intent.UNINTENTIONAL and mode.ids]
    assert mapped == ["Common Corruption"]
    assert FOUNDING.technique("AMLTM.EVADE.01.V2").name == "Common Corruption"


@every_mode
def test_there_and_back_again(mode: FailureMode):
    for id_ in mode.entries:
        assert mode in MODES.of(id_)
    for id_ in mode.also:
        assert mode in MODES.near(id_)
        assert mode not in MODES.of(id_)


def test_an_entry_in_two_columns_stands_for_the_same_mode():
    stealing = MODES.named("model stealing")
    assert stealing is MODES.mode(5)
    assert MODES.of("AMLTM.EXFIL.02") == MODES.of("AMLTM.RECON.06") == (stealing,)


def test_unknown_modes_and_entries_lead_nowhere():
    assert MODES.mode(0) is MODES.mode(18) is None
    assert MODES.named("FM18") is MODES.named("model theft") is None
    assert MODES.of("AMLTM.NO.01") == MODES.near("AMLTM.NO.01") == ()


@pytest.mark.parametrize("asked", ["FM10", "fm10", "Backdoor ML", " backdoor ml "])
def test_look_up_finds_the_entries_of_a_mode(asked: str):
    found = look_up(asked)
    assert [entry.id for entry in found.techniques] == ["AMLTM.INIT.01", "AMLTM.EVADE.02"]
    assert "FM10 Backdoor ML" in (found.remark or "")


def test_look_up_says_why_a_mode_has_no_entry():
    found = look_up("FM12")
    assert found.techniques == ()
    assert "nobody attacks" in (found.remark or "")


def test_a_number_without_a_mode_is_no_id():
    with pytest.raises(InputError, match="'FM18'"):
        look_up("FM18")
