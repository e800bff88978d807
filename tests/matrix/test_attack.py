import re
from collections import Counter
from datetime import date

import pytest

from caponier.matrix import attack
from caponier.matrix.technique import Retirement
from caponier.matrix.versions.catalogue import load

FACTS = attack.load()
NEWER = FACTS.newer_release
NAMES = attack.names()


def test_ids_are_of_attack_and_in_order():
    assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", id_) for id_ in NAMES)
    assert list(NAMES) == sorted(NAMES)


def test_names_are_plain():
    assert all(name == name.strip() and name.isprintable() for name in NAMES.values())
    assert [id_ for id_, name in NAMES.items() if not name.isascii()] == ["T1055.013"]


def test_siblings_and_techniques_are_told_apart_by_name():
    for group in ([id_ for id_ in NAMES if "." not in id_], *children().values()):
        assert len({NAMES[id_] for id_ in group}) == len(group)


def children() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for id_ in NAMES:
        if "." in id_:
            found.setdefault(id_.partition(".")[0], []).append(id_)
    return found


def test_counts_of_the_version():
    assert (FACTS.version, FACTS.released) == (attack.VERSION, date(2025, 11, 13))
    assert (len(attack.tactics()), len(NAMES), len(FACTS.retired)) == (14, 691, 144)
    assert Counter("." in id_ for id_ in NAMES) == {True: 475, False: 216}


def test_every_sub_technique_has_its_parent_and_stays_within_its_tactics():
    for parent, ids in children().items():
        assert parent in NAMES
        for id_ in ids:
            assert set(FACTS.techniques[id_].tactics) <= set(FACTS.techniques[parent].tactics)


def test_every_technique_stands_under_tactics_that_exist_in_the_order_of_the_matrix():
    order = [tactic.id for tactic in attack.tactics()]
    for technique in FACTS.techniques.values():
        assert list(technique.tactics) == sorted(set(technique.tactics), key=order.index) != []


def test_tactics_have_the_short_names_that_layers_and_tags_use():
    for tactic in (*attack.tactics(), *NEWER.tactics):
        assert re.fullmatch(r"TA\d{4}", tactic.id)
        assert tactic.shortname == tactic.name.lower().replace(" ", "-")
    assert [tactic.shortname for tactic in attack.tactics()][:2] == ["reconnaissance", "resource-development"]


def test_tactics_of_a_technique():
    assert [tactic.name for tactic in attack.tactics_of("T1053")] == [
        "Execution",
        "Persistence",
        "Privilege Escalation",
    ]
    assert attack.tactics_of("T9999") == attack.tactics_of("T1064") == ()


def test_what_was_taken_back_is_told_with_what_stands_now():
    assert attack.retired("T1086") == Retirement("T1086", "PowerShell", "T1059.001")
    assert attack.retired("T1064") == Retirement("T1064", "Scripting")
    assert attack.retired("T1059") is attack.retired("T9999") is None
    assert attack.name("T1086") == "PowerShell"


def test_what_was_replaced_twice_leads_to_what_stands():
    assert FACTS.retired["T1073"].replaced_by == "T1574.002"
    assert FACTS.retired["T1574.002"].replaced_by == "T1574.001"
    assert attack.retired("T1073") == Retirement("T1073", "DLL Side-Loading", "T1574.001")


def test_every_retirement_ends_at_a_standing_technique_or_at_none():
    assert not set(FACTS.retired) & set(NAMES)
    ends = {id_: attack.retired(id_).replaced_by for id_ in FACTS.retired}
    assert {end for end in ends.values() if end is not None} <= set(NAMES)
    assert Counter(end is None for end in ends.values()) == {False: 132, True: 12}


def test_the_next_release_is_marked_as_unchecked_and_fits_the_facts():
    assert (NEWER.version, NEWER.checked) == ("19", False)
    assert not set(NEWER.techniques) & (set(NAMES) | set(FACTS.retired))
    assert set(NEWER.replaced_ids) | set(NEWER.renamed) | set(NEWER.moved) <= set(NAMES)
    assert set(NEWER.replaced_ids.values()) <= set(NAMES) | set(NEWER.techniques)
    assert all(NAMES[id_] != name for id_, name in NEWER.renamed.items())
    assert all(FACTS.techniques[id_].tactics != now for id_, now in NEWER.moved.items())


def test_ids_of_the_next_release_have_a_name_and_tactics():
    assert attack.name("T1685") == "Disable or Modify Tools"
    assert [tactic.shortname for tactic in attack.tactics_of("T1685.001")] == ["defense-impairment"]
    assert "T1685" not in NAMES


def test_every_attack_id_of_either_matrix_has_a_name():
    carried = {id_ for version in ("amltm-2020", "atlas-5.6") for t in load(version).techniques for id_ in t.attack_ids}
    assert {id_ for id_ in carried if attack.name(id_) is None} == set()


def test_every_attack_id_that_a_text_speaks_of_has_a_name():
    bases = " ".join(entry.attack_basis or "" for entry in load().techniques)
    assert {id_ for id_ in re.findall(r"T\d{4}", bases) if attack.name(id_) is None} == set()


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("AMLTM.INIT.02", "Valid Accounts"),
        ("AMLTM.PERSIST.03", "Implant Internal Image"),
        ("AMLTM.IMPACT.06", "System Shutdown/Reboot"),
    ],
)
def test_an_entry_may_have_another_name_than_its_attack_technique(entry: str, name: str):
    technique = load().technique(entry)
    assert attack.name(technique.attack or "") == name != technique.name


def test_atlas_entries_have_the_name_of_their_attack_technique_or_nearly():
    renamed = {"AML.T0016.001": ("Software Tools", "Tool")}
    for entry in load("atlas-5.6").techniques:
        if entry.attack:
            assert attack.name(entry.attack) == renamed.get(entry.id, (entry.name, entry.name))[1]
