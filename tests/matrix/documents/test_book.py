from caponier.matrix.catalogue import load
from caponier.matrix.documents.book import book_of, shipped_attack

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


def test_the_facts_of_attack_that_ship_do_not_claim_to_be_all():
    attack = shipped_attack()
    assert attack.entries["T1078"].name == "Valid Accounts"
    assert not attack.complete
