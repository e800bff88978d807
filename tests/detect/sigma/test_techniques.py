from caponier.detect.sigma.techniques import techniques
from caponier.matrix.technique import Color


def ids(*tags: str) -> list[str]:
    return [ref.id for ref in techniques(tags)[0]]


def test_attack_first_then_the_white_entry() -> None:
    refs, unknown = techniques(["attack.initial-access", "attack.t1078", "atlas.aml.t0012"])
    assert [(ref.matrix, ref.id, ref.color) for ref in refs] == [
        ("attack", "T1078", None),
        ("atlas", "AML.T0012", None),
        ("amltm-2020", "AMLTM.INIT.02", Color.WHITE),
    ]
    assert unknown == ()


def test_tags_are_read_in_any_case() -> None:
    assert ids("ATTACK.T1190") == ["T1190", "AMLTM.INIT.05"]


def test_a_sub_technique_counts_for_its_technique() -> None:
    refs, unknown = techniques(["attack.t1078.004"])
    assert [(ref.id, ref.name) for ref in refs] == [("T1078.004", "Cloud Accounts"), ("AMLTM.INIT.02", "Valid Account")]
    assert unknown == ()


def test_an_unknown_sub_technique_is_named_by_its_technique() -> None:
    refs, unknown = techniques(["attack.t1078.099"])
    assert [ref.id for ref in refs] == ["T1078.099", "AMLTM.INIT.02"]
    assert refs[0].name == "Valid Accounts (attack.t1078.099)"
    assert unknown == ("attack.t1078.099",)


def test_an_id_of_the_newer_release_is_known() -> None:
    assert techniques(["attack.t1685"])[1] == ()


def test_an_unknown_id_is_kept_with_its_tag() -> None:
    refs, unknown = techniques(["attack.t1999", "atlas.aml.t9999"])
    assert [(ref.id, ref.name) for ref in refs] == [("T1999", "attack.t1999"), ("AML.T9999", "atlas.aml.t9999")]
    assert unknown == ("attack.t1999", "atlas.aml.t9999")


def test_atlas_alone_leads_to_the_white_entry() -> None:
    assert ids("atlas.aml.t0012") == ["AML.T0012", "AMLTM.INIT.02"]


def test_a_tag_of_the_2020_matrix_wins() -> None:
    assert ids("attack.t1530") == ["T1530", "AMLTM.EXFIL.03"]
    assert ids("attack.t1530", "amltm.exfil.03.01") == ["T1530", "AMLTM.EXFIL.03.01"]
    assert techniques(["amltm.exfil.99"]) == ((), ("amltm.exfil.99",))


def test_other_tags_are_no_techniques() -> None:
    assert techniques(["cve.2021-44228", "tlp.red", "attack.g0007", "detection.threat-hunting", "nonsense"]) == ((), ())
