import re

import pytest

from caponier.matrix import attack
from caponier.matrix.catalogue import load

NAMES = attack.names()


def test_ids_are_of_attack_and_in_order():
    assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", id_) for id_ in NAMES)
    assert list(NAMES) == sorted(NAMES)


def test_names_are_plain_and_told_apart():
    assert all(name == name.strip() and name.isascii() for name in NAMES.values())
    assert len(set(NAMES.values())) == len(NAMES)


def test_unknown_id_has_no_name():
    assert attack.name("T9999") is None


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
