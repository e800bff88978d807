from dataclasses import replace

import pytest

from caponier.emulate.registry import harmless_sources, sources
from caponier.emulate.simulation.scenario import SCENES, Scenario, learned_from
from caponier.emulate.victims.digits import DigitsSplit
from caponier.errors import InputError

pytestmark = pytest.mark.slow


def test_every_attack_has_a_scene() -> None:
    assert {scene.attack for scene in SCENES.values()} - {None} == set(sources()) - set(harmless_sources())


@pytest.mark.parametrize("name", ["steered_feedback", "feedback_chaff"])
def test_attackers_and_others_go_by_their_names(name: str, split: DigitsSplit) -> None:
    played = replace(SCENES[name], attackers=2, others=8, rounds=6).played(split, 0)
    names = set(played.events["principal"].to_pylist())
    attackers = {who for who in names if who.startswith("attacker-")}
    assert attackers <= {f"attacker-{name}-0", f"attacker-{name}-1"}
    assert attackers
    assert {who.split("-")[0] for who in names - attackers} <= set(harmless_sources())


def test_a_scene_without_attackers_has_none(split: DigitsSplit) -> None:
    played = replace(SCENES["trend"], others=8, rounds=6, changes=3).played(split, 0)
    assert not [who for who in played.events["principal"].to_pylist() if who.startswith("attacker")]


def test_those_learned_from_are_others(split: DigitsSplit) -> None:
    known = set(learned_from(split, 0, 8, rounds=6).events["principal"].to_pylist())
    played = replace(SCENES["trend"], others=8, rounds=6, changes=None).played(split, 0)
    assert not known & set(played.events["principal"].to_pylist())


def test_an_unknown_attack_is_an_error(split: DigitsSplit) -> None:
    with pytest.raises(InputError, match="no source called 'steering'"):
        Scenario("steering", 1, 1, 1).played(split, 0)
