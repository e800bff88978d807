import pytest

from caponier.matrix.documents import words


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Valid  Accounts", "valid accounts"),
        ("**Defacement (ATT&amp;CK)**", "defacement (att&ck)"),
        ("a\\_b", "a b"),
        ("", ""),
    ],
)
def test_names_are_compared_without_markup_and_case(written: str, compared: str):
    assert words.folded(written) == compared


@pytest.mark.parametrize(
    "written", ["Command and Control", "command-and-control", "command_and_control", " COMMAND-and Control "]
)
def test_short_names_come_from_every_way_of_writing(written: str):
    assert words.short(written) == "command-and-control"


def test_what_is_a_name_of_a_technique_or_a_tactic():
    assert words.is_technique_name("Evade AI Model")
    assert words.is_technique_name("evade ML model")
    assert words.is_technique_name("Online Evasion")
    assert not words.is_technique_name("Impact")
    assert words.is_tactic("Impact")
    assert words.is_tactic("aml.ta0011")
    assert words.is_tactic("AMLTM.EXFIL")
    assert not words.is_tactic("Evade AI Model")
