import pytest

from caponier import matrix as package
from caponier.errors import InputError
from caponier.matrix.technique import Color, Harm, TechniqueId, TechniqueRef
from caponier.matrix.versions.catalogue import harms_of, load, resolve, versions

MATRIX = load()


def test_default_is_the_matrix_of_2020():
    assert MATRIX.version == "amltm-2020" == versions()[0]
    assert package.load() is MATRIX


def test_a_version_is_loaded_once():
    assert load("atlas-5.6") is load("atlas-5.6")


def test_every_version_loads_and_is_named_by_its_kind():
    assert {version: load(version).kind for version in versions()} == {"amltm-2020": "amltm-2020", "atlas-5.6": "atlas"}


def test_unknown_version_names_those_there_are():
    with pytest.raises(InputError) as unknown:
        load("atlas-5.7")
    assert unknown.value.hint == "Did you mean 'atlas-5.6'? There are: amltm-2020, atlas-5.6."


def test_unknown_technique_names_the_nearest():
    with pytest.raises(InputError, match=r"AMLTM\.EVADE\.01\.03") as unknown:
        MATRIX.technique("AMLTM.EVADE.01.03")
    assert "Did you mean 'AMLTM.EVADE.01.0" in (unknown.value.hint or "")
    assert unknown.value.exit_code == 2


def test_id_like_nothing_gets_advice_only():
    with pytest.raises(InputError) as unknown:
        MATRIX.technique("?")
    assert unknown.value.hint == "Search by words with: caponier matrix search WORDS"


def test_unknown_tactic_names_the_nearest():
    with pytest.raises(InputError) as unknown:
        MATRIX.tactic("AMLTM.EVAD")
    assert "AMLTM.EVADE" in (unknown.value.hint or "")


def test_knows_what_it_contains():
    assert "AMLTM.RECON.01" in MATRIX
    assert "AML.T0000" not in MATRIX
    assert 7 not in MATRIX


def test_children_come_in_order_variants_last():
    assert [child.name for child in MATRIX.children("AMLTM.EVADE.01")] == [
        "Offline Evasion",
        "Online Evasion",
        "Simple Transformation",
        "Common Corruption",
        "Adversarial Examples",
        "Happy String",
    ]


def test_entries_are_found_by_the_attack_id_they_carry_first_or_second():
    assert [entry.id for entry in MATRIX.carrying("T1529")] == ["AMLTM.IMPACT.06"]
    assert [entry.id for entry in MATRIX.carrying("T1489")] == ["AMLTM.IMPACT.06"]
    assert len(MATRIX.carrying("T1530")) == 3


def test_resolve_gives_name_and_color():
    assert resolve(TechniqueId("amltm-2020", "AMLTM.EVADE.01.02")) == TechniqueRef(
        "amltm-2020", "AMLTM.EVADE.01.02", "Online Evasion", Color.ORANGE
    )


@pytest.mark.parametrize("named", ["atlas", "atlas-5.6"])
def test_resolve_knows_atlas_with_and_without_its_version(named: str):
    ref = resolve(TechniqueId(named, "AML.T0043.001"))
    assert ref == TechniqueRef("atlas", "AML.T0043.001", "Black-Box Optimization")


@pytest.mark.parametrize("record", ["CVE-2019-20634", "cve-2019-20634", "VU#425163"])
def test_a_record_of_a_vulnerability_finds_what_it_shows(record: str):
    shown = [t for t in MATRIX.techniques if t.evidence and record.upper() in [s.study.id for s in t.evidence.sources]]
    assert shown
    assert set(MATRIX.search([record])) == set(shown)


def test_resolve_knows_research_only_entries_too():
    assert resolve(TechniqueId("atlas", "AML.T0024.000")).name == "Infer Training Data Membership"


def test_resolve_knows_attack_names():
    assert resolve(TechniqueId("attack", "T1078")).name == "Valid Accounts"


@pytest.mark.parametrize(
    ("id_", "hint"),
    [
        (TechniqueId("attack", "T10788"), "T1078"),
        (TechniqueId("atlas", "AML.T0043.009"), "AML.T0043"),
        (TechniqueId("owasp", "ML01"), "amltm-2020, atlas, attack"),
    ],
)
def test_resolve_rejects_what_it_does_not_know(id_: TechniqueId, hint: str):
    with pytest.raises(InputError) as unknown:
        resolve(id_)
    assert hint in (unknown.value.hint or "")


def ids(matrix: str, *named: str) -> list[TechniqueId]:
    return [TechniqueId(matrix, id_) for id_ in named]


def test_harms_are_joined_in_order():
    both = ids("amltm-2020", "AMLTM.IMPACT.02", "AMLTM.EXFIL.02")
    assert harms_of(both) == (Harm.CONFIDENTIALITY, Harm.AVAILABILITY)


def test_harms_of_atlas_and_attack_ids_come_from_the_2020_entries_that_match():
    assert harms_of(ids("atlas", "AML.T0024.000")) == (Harm.CONFIDENTIALITY,)
    assert harms_of(ids("attack", "T1486")) == (Harm.AVAILABILITY,)


def test_a_2020_id_speaks_for_the_others():
    mixed = ids("atlas", "AML.T0011.000") + ids("amltm-2020", "AMLTM.EVADE.02")
    assert harms_of(mixed) == (Harm.INTEGRITY,)


def test_nothing_harms_nothing():
    assert harms_of([]) == ()
    assert harms_of(ids("owasp", "ML01")) == ()
    assert harms_of(ids("amltm-2020", "AMLTM.RECON.01")) == ()
