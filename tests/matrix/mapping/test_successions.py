"""What became of an entry is said for every id, and whoever must decide is asked wherever it is not plain."""

from collections import Counter
from dataclasses import replace

import pytest

from caponier.errors import InputError
from caponier.matrix.mapping.difference import Noun
from caponier.matrix.mapping.successions import Outcome, Successions, successors
from caponier.matrix.versions.catalogue import Matrix, load
from caponier.matrix.versions.loaders import load_file
from matrix.conftest import SHARED
from matrix.versions_by_hand import entry, study, version

FOUNDING, ATLAS = load("amltm-2020"), load("atlas-5.6")


def release(name: str) -> Matrix:
    path = SHARED / "data" / "atlas" / f"ATLAS-v{name}.yaml"
    if not path.exists():
        pytest.skip(f"nothing to compare with beside the repository: {path.name}")
    return load_file(path).matrix


@pytest.fixture(scope="module")
def old() -> Matrix:
    return release("4.4.0")


@pytest.fixture(scope="module")
def new() -> Matrix:
    return release("5.6.1")


@pytest.mark.parametrize(
    ("id_", "outcome", "to", "needs_human"),
    [
        ("AML.T0041", Outcome.SAME, ("AML.T0041",), False),
        ("AML.T0044", Outcome.RENAMED, ("AML.T0044",), False),
        ("AML.T0045", Outcome.REPLACED, ("AML.T0048.004",), False),
        ("AML.T0048", Outcome.RENAMED, ("AML.T0048",), False),
        ("AML.T0012", Outcome.MOVED, ("AML.T0012",), False),
        ("AML.T0017", Outcome.MEANING, ("AML.T0017",), True),
        ("AML.T0018.001", Outcome.MEANING, ("AML.T0018.001",), True),
        ("AML.T9999", Outcome.UNKNOWN, (), True),
        ("AML.TA0001", Outcome.RENAMED, ("AML.TA0001",), False),
        ("AML.CS0005", Outcome.RENAMED, ("AML.CS0005",), False),
    ],
)
def test_from_4_4_to_5_6(old: Matrix, new: Matrix, id_: str, outcome: Outcome, to: tuple[str, ...], needs_human: bool):
    found = successors(old, new, id_)
    assert (found.id, found.outcome, found.to, found.needs_human) == (id_, outcome, to, needs_human)
    assert found.reason


def test_reasons_are_in_words(old: Matrix, new: Matrix):
    between = Successions(old, new)
    assert between.of("AML.T0041").reason == "nothing changed"
    assert between.of("AML.T0044").reason == "renamed: Full ML Model Access -> Full AI Model Access"
    assert "Initial Access -> Initial Access, Privilege Escalation" in between.of("AML.T0012").reason
    assert "split: it stays as the parent of its parts; ATLAS 4.5.0" in between.of("AML.T0048").reason
    assert between.of("AML.T0017").nearest == ("AML.T0017.000",)
    assert between.of("AML.T9999").reason == "atlas-4.4.0 has no entry AML.T9999"
    assert between.of("AML.T9999").noun is None


def test_every_id_of_every_noun_gets_an_answer(old: Matrix, new: Matrix):
    for before, after in ((old, new), (new, old), (FOUNDING, new), (old, FOUNDING)):
        between = Successions(before, after)
        for noun, entries in (
            (Noun.TACTIC, before.tactics),
            (Noun.TECHNIQUE, before.techniques),
            (Noun.STUDY, before.studies),
        ):
            known = between.difference.after.ids(noun)
            for one in entries:
                found = between.of(one.id)
                assert found.noun is noun
                assert set(found.to) <= known
                assert bool(found.to) == (found.outcome not in (Outcome.GONE, Outcome.UNKNOWN))
                assert found.to or found.needs_human
                assert found.reason


def test_most_of_4_4_goes_on_without_asking(old: Matrix, new: Matrix):
    between = Successions(old, new)
    found = Counter(between.of(technique.id).outcome for technique in old.techniques)
    assert found == {Outcome.SAME: 35, Outcome.RENAMED: 26, Outcome.MEANING: 4, Outcome.REPLACED: 1, Outcome.MOVED: 1}


def test_a_part_goes_back_to_the_whole_of_which_it_was_made(old: Matrix, new: Matrix):
    found = successors(new, old, "AML.T0048.001")
    assert (found.outcome, found.to, found.needs_human) == (Outcome.MERGED, ("AML.T0048",), True)
    assert successors(new, old, "AML.T0048.004").to == ("AML.T0045",)
    adversarial = successors(new, old, "AML.T0017.000")
    assert (adversarial.outcome, adversarial.to, adversarial.nearest) == (Outcome.UNKNOWN, (), ("AML.T0017",))
    assert "AML.T0017 held its meaning" in adversarial.reason


@pytest.mark.parametrize(
    ("id_", "outcome", "to", "needs_human"),
    [
        ("AMLTM.EXFIL.01.01", Outcome.REPLACED, ("AML.T0024.000",), False),
        ("AMLTM.EXFIL.01", Outcome.REPLACED, ("AML.T0024",), True),
        ("AMLTM.EVADE.01.02", Outcome.SPLIT, ("AML.T0015", "AML.T0043.001"), True),
        ("AMLTM.IMPACT.04", Outcome.GONE, (), True),
        ("AMLTM.EVADE", Outcome.SPLIT, ("AML.TA0007", "AML.TA0001", "AML.TA0011"), True),
        ("AMLTM.IMPACT", Outcome.REPLACED, ("AML.TA0011",), False),
        ("MLT0017", Outcome.SPLIT, ("AML.T0015", "AML.T0043.001"), True),
        ("MLTA0000", Outcome.SPLIT, ("AML.TA0007", "AML.TA0001", "AML.TA0011"), True),
        ("MLT9999", Outcome.UNKNOWN, (), True),
    ],
)
def test_from_2020_to_atlas(id_: str, outcome: Outcome, to: tuple[str, ...], needs_human: bool):
    found = successors(FOUNDING, ATLAS, id_)
    assert (found.outcome, found.to, found.needs_human) == (outcome, to, needs_human)


@pytest.mark.parametrize(
    ("id_", "outcome", "to", "needs_human"),
    [
        # One entry means the same; the finer ones below it do not count.
        ("AML.T0020", Outcome.REPLACED, ("AMLTM.EVADE.03",), False),
        # The same entry stands in two columns of 2020.
        ("AML.T0024.002", Outcome.SPLIT, ("AMLTM.EXFIL.02", "AMLTM.RECON.06"), True),
        # One of several that only together are the 2020 entry.
        ("AML.T0059", Outcome.MERGED, ("AMLTM.EVADE.03.03",), True),
        ("AML.T0000.001", Outcome.REPLACED, ("AMLTM.RECON.01.01",), True),
        ("AML.T0051", Outcome.GONE, (), True),
        ("AML.CS0009", Outcome.REPLACED, ("AMLTM.CS10",), False),
    ],
)
def test_from_atlas_to_2020(id_: str, outcome: Outcome, to: tuple[str, ...], needs_human: bool):
    found = successors(ATLAS, FOUNDING, id_)
    assert (found.outcome, found.to, found.needs_human) == (outcome, to, needs_human)


def test_finer_entries_are_named_as_near():
    assert successors(ATLAS, FOUNDING, "AML.T0020").nearest == ("AMLTM.EVADE.03.01", "AMLTM.EVADE.03.04")


def test_the_ids_of_the_first_release_lead_to_those_of_today():
    found = successors(FOUNDING, FOUNDING, "MLT0017")
    assert (found.outcome, found.to, found.needs_human) == (Outcome.REPLACED, ("AMLTM.EVADE.01.02",), False)
    assert "first data release" in found.reason
    between = Successions(FOUNDING, ATLAS)
    for technique in FOUNDING.techniques:
        if technique.v1_id:
            assert between.of(technique.v1_id).to == between.of(technique.id).to


def test_gone_is_known_and_unknown_is_not():
    before = version("attack-1", ["T1", "T2"], kind="attack")
    after = version("attack-2", kind="attack", retired={"T1": None})
    assert successors(before, after, "T1").outcome is Outcome.GONE
    assert successors(before, after, "T2").outcome is Outcome.UNKNOWN


def test_a_lost_tactic_needs_a_human():
    before = version("a", [entry("T1", tactics=("AML.TA0000", "AML.TA0001"))], kind="attack")
    after = version("b", [entry("T1", tactics=("AML.TA0001",))], kind="attack")
    assert successors(before, after, "T1").needs_human
    assert not successors(after, before, "T1").needs_human


def test_several_taken_over_by_one_need_a_human():
    before = version("a", ["T1", "T2"], kind="attack")
    after = version("b", ["T9"], kind="attack", retired={"T1": "T9", "T2": "T9"})
    assert successors(before, after, "T1").outcome is Outcome.MERGED
    assert successors(before, after, "T1").needs_human
    assert successors(after, before, "T9").to == ("T1", "T2")


def test_a_teams_version_goes_by_id():
    ours = replace(FOUNDING, version="amltm-2020+team", studies=(*FOUNDING.studies, study("TEAM.CS01")))
    assert successors(ours, FOUNDING, "TEAM.CS01").outcome is Outcome.UNKNOWN
    assert successors(FOUNDING, ours, "AMLTM.EVADE.02").outcome is Outcome.SAME


def test_an_id_that_was_taken_back_before_is_followed_first(new: Matrix):
    found = successors(new, FOUNDING, "AML.T0045")
    assert (found.id, found.outcome, found.to) == ("AML.T0045", Outcome.REPLACED, ("AMLTM.IMPACT.03",))
    assert "AML.T0045 is now AML.T0048.004 (ATLAS 4.5.0" in found.reason
    assert successors(new, ATLAS, "AML.T0045").to == ("AML.T0048.004",)
    before = version("attack-1", ["T1059"], kind="attack", retired={"T1086": "T1059", "T1064": None, "T1": "T2"})
    after = version("attack-2", ["T9059"], kind="attack", retired={"T1059": "T9059"})
    assert successors(before, after, "T1086").to == ("T9059",)
    assert successors(before, after, "T1086").outcome is Outcome.REPLACED
    gone = successors(before, after, "T1064")
    assert (gone.outcome, gone.to, gone.needs_human) == (Outcome.GONE, (), True)
    assert "taken T1064 back already" in gone.reason


def test_a_circle_of_ids_that_were_taken_back_ends():
    before = version("attack-1", kind="attack", retired={"T1": "T2", "T2": "T1"})
    assert successors(before, before, "T1").to == ()


def test_no_crosswalk_is_an_input_error():
    with pytest.raises(InputError, match="not versions of one matrix"):
        Successions(FOUNDING, version("attack-enterprise-17.0", kind="attack"))
