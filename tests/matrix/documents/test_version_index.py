from dataclasses import replace

from caponier.matrix.documents.version_index import book_of, shipped_attack
from caponier.matrix.documents.words import short
from caponier.matrix.technique import Retirement
from caponier.matrix.versions.catalogue import load

BOOK = book_of(load("atlas-5.6"))


def test_a_book_says_what_the_version_says():
    matrix = load("atlas-5.6")
    assert BOOK.entries.keys() == {technique.id for technique in matrix.techniques}
    entry = BOOK.entries["AML.T0012"]
    assert (entry.name, entry.tactics, entry.parent) == (
        "Valid Accounts",
        ("initial-access", "privilege-escalation"),
        None,
    )
    assert BOOK.entries["AML.T0043.001"].parent == "AML.T0043"


def test_a_tactic_is_found_by_id_name_and_short_name():
    for said in ("AML.TA0004", "aml.ta0004", "Initial Access", "initial-access", "initial_access"):
        assert BOOK.tactic(said) == "initial-access"
    assert BOOK.tactic("ml-model-access") is None


def test_a_name_may_have_several_ids():
    founding = book_of(load("amltm-2020"))
    several = [ids for ids in founding.ids_by_name.values() if len(ids) > 1]
    assert several
    assert all(founding.entries[id_].name == founding.entries[ids[0]].name for ids in several for id_ in ids)


def test_the_nearest_id_begins_the_same():
    assert BOOK.nearest("AML.T0043.009") in BOOK.entries
    assert (BOOK.nearest("AML.T0043.009") or "").startswith("AML.T0043.00")
    assert BOOK.nearest("something else") is None


def test_the_facts_of_attack_that_ship_know_two_releases():
    attack = shipped_attack()
    assert attack.entries["T1078"].name == "Valid Accounts"
    assert "initial-access" in attack.entries["T1078"].tactics
    assert attack.entries["T1566.001"].parent == "T1566"
    assert attack.retired["T1002"] == ("Data Compressed", "T1560")
    assert attack.tactic("stealth") == "stealth"
    assert attack.tactic("defense-evasion") == "defense-evasion"
    assert {"stealth", "defense-evasion"} <= set(attack.entries["T1036"].tactics)
    assert attack.entries.keys() >= {"T1685", "T1562"}


def test_an_attack_id_that_is_not_there_may_be_of_mobile_or_ics():
    assert not shipped_attack().complete
    assert shipped_attack().complete_until == (19,)


def test_a_version_says_what_it_took_back_and_what_took_over():
    gone = Retirement("AML.T0012", "Old Name", "AML.T0029")
    matrix = load("atlas-5.6")
    book = book_of(replace(matrix, retired=(gone,), techniques=matrix.techniques[1:]))
    assert book.retired == {"AML.T0012": ("Old Name", "AML.T0029")}
    assert matrix.techniques[0].id not in book.entries


def test_tactics_that_a_version_does_not_name_are_left_out():
    matrix = load("atlas-5.6")
    book = book_of(replace(matrix, tactics=matrix.tactics[:1]))
    kept = {tactic for entry in book.entries.values() for tactic in entry.tactics}
    assert kept == set(book.tactic_ids)
    assert len(kept) == 1


def test_a_newer_name_of_a_tactic_has_the_old_id():
    attack = shipped_attack()
    renamed = {
        name: id_ for name, id_ in attack.newer_tactics.items() if name not in map(short, attack.tactics.values())
    }
    assert renamed
    assert all(attack.tactic_ids[name] == id_ for name, id_ in renamed.items())
    assert all(attack.tactic(name) == name for name in renamed)
