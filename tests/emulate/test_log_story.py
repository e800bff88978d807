import json
from datetime import datetime

import pytest

from caponier.emulate.log_story import told
from caponier.emulate.registry import stories
from caponier.matrix.versions.catalogue import resolve


@pytest.mark.parametrize("name", stories())
def test_every_story_is_whole(name: str) -> None:
    one = stories.one(name)
    assert one.description
    assert [resolve(technique).name for technique in one.techniques]
    attack = one.attack(0)
    assert attack.success
    assert attack.malicious
    assert attack.actor
    assert not one.control(0).success


@pytest.mark.parametrize("name", stories())
def test_a_seed_fixes_a_story(name: str) -> None:
    one = stories.one(name)
    assert one.attack(1).to_json_lines() == one.attack(1).to_json_lines() != one.attack(2).to_json_lines()
    assert one.control(1).to_json_lines() == one.control(1).to_json_lines()


@pytest.mark.parametrize("name", stories())
def test_the_control_is_the_attack_without_the_attacker(name: str) -> None:
    attack, control = stories.one(name).attack(3), stories.one(name).control(3)
    rest = [row for position, row in enumerate(attack.rows) if position not in attack.malicious]
    assert rest == list(control.rows)


@pytest.mark.parametrize("name", stories())
def test_rows_are_in_order_of_time(name: str) -> None:
    rows = [json.loads(line) for line in stories.one(name).attack(0).to_json_lines().splitlines()]
    times = [datetime.fromisoformat(row["time"]) for row in rows]
    assert times == sorted(times)


def test_told_puts_both_in_order() -> None:
    rows, malicious = told([{"time": "1"}, {"time": "3"}], [{"time": "2"}])
    assert ([row["time"] for row in rows], malicious) == (["1", "2", "3"], (1,))
