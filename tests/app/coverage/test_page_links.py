import pytest

from caponier.app.coverage import page_links as links
from caponier.matrix.technique import Level, Technique
from caponier.matrix.versions.catalogue import load

FOUNDING, ATLAS = load(), load("atlas-5.6")


def test_an_entry_goes_by_its_name_and_in_the_steps_of_a_study_by_one_that_can_stand_alone():
    data = ATLAS.technique("AML.T0010.002")
    assert links.entry(data) == "[AML.T0010.002 Data](AML.T0010.002.md)"
    assert links.step(ATLAS, data) == "[AML.T0010.002 AI Supply Chain Compromise: Data](AML.T0010.002.md)"
    online = FOUNDING.technique("AMLTM.EVADE.01.02")
    assert links.step(FOUNDING, online) == links.entry(online)


def test_a_name_is_text_and_no_markdown():
    odd = Technique("X.1", "a [b](c) | <d>", Level.TECHNIQUE, ("X",), 1)
    assert links.entry(odd) == "[X.1 a \\[b\\](c) \\| &lt;d&gt;](X.1.md)"


@pytest.mark.parametrize(
    ("id_", "link"),
    [
        ("T1078", "[T1078 Valid Accounts](https://attack.mitre.org/techniques/T1078/)"),
        ("T9999.001", "[T9999.001](https://attack.mitre.org/techniques/T9999/001/)"),
    ],
)
def test_attack_ids_lead_to_attack(id_: str, link: str):
    assert links.attack(id_) == link


def test_tactics_of_the_same_name_lead_to_different_columns():
    first, second = links.column(FOUNDING, "AMLTM.RECON"), links.column(ATLAS, "AML.TA0002")
    assert first == "[Reconnaissance](README.md#reconnaissance-in-the-matrix-of-2020)"
    assert second == "[Reconnaissance](README.md#reconnaissance-in-atlas-56)"


def test_a_study_knows_where_it_is_told_again_in_both_directions():
    tay_2020, tay = FOUNDING.study("AMLTM.CS10"), ATLAS.study("AML.CS0009")
    assert links.told_again(tay_2020) == [tay]
    assert links.told_again(tay) == [tay_2020]
    assert links.told_again(ATLAS.study("AML.CS0056")) == []


def test_every_study_has_a_page_to_link_to():
    assert len(links.study_ids()) == 13 + 57
