"""The world of windows in which sensors are missing: that it builds, and what is missing where."""

from dataclasses import replace

import numpy as np
import pytest
from bench.worlds.attacks.campaigns import attacks
from bench.worlds.attacks.case import Case
from bench.worlds.habits.ground import Ground
from bench.worlds.habits.of_windows import HOUR, SENSORS, WINDOWS, lost
from bench.worlds.models import pumps
from bench.worlds.populations import callers
from bench.worlds.traffic import Calls, part, table
from bench.worlds.victims import Victim

WIDTH = pumps.STEPS * len(pumps.SENSORS)


@pytest.fixture(scope="module")
def victim() -> Victim:
    """Return the model of few windows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pumps, "EACH", 120)
        return pumps.trains(1)


def test_the_model_answers_whatever_is_missing(victim: Victim) -> None:
    assert 0.7 < victim.accuracy() < 1
    rows = victim.fresh.rows[:4].copy()
    rows[0], rows[1, ::2], rows[2, 0] = np.nan, np.nan, np.inf
    scores = victim.ask(rows)
    assert np.isfinite(scores).all()
    assert np.allclose(scores.sum(axis=1), 1)
    assert np.allclose(scores[0], 1 / len(pumps.STATES))
    assert len(pumps.SENSORS) == SENSORS


@pytest.mark.parametrize("name", list(WINDOWS))
def test_each_habit_gives_as_many_calls_as_it_is_asked_for(victim: Victim, name: str) -> None:
    ground, one = Ground.of(victim, victim.calm), WINDOWS[name]
    assert one.habit.__doc__
    for n in (1, 2, 37, 200):
        calls = one.habit(ground, np.random.default_rng(n), n)
        assert (calls.rows.shape, calls.rows.dtype) == ((n, WIDTH), np.float32)
    missing = np.isnan(calls.rows).any()
    assert missing == (name in {"never_there", "comes_and_goes", "patchy", "not_yet", "dark"})


def test_a_plants_sensor_is_lost_for_all_its_callers_at_once(victim: Victim) -> None:
    rng, n = np.random.default_rng(3), 1_000
    found = [lost(part(Calls(victim.calm.rows[np.zeros(n, int)], "steady"), 28.0, 0.0, rng), rng) for _ in range(30)]
    changed = [(one.calls.rows != victim.calm.rows[0]) for one in found]
    out = [
        {(int(one.times[row] // HOUR), at % SENSORS) for row, at in np.argwhere(own)}
        for one, own in zip(found, changed, strict=True)
    ]
    share = np.mean([own.any(axis=1).mean() for own in changed])
    assert 0.005 < share < 0.08
    assert any(one & other for at, one in enumerate(out) for other in out[:at])
    ways = [np.isnan(one.calls.rows).any() for one in found]
    assert 10 < sum(ways) < 30


def test_callers_ask_and_attackers_run(victim: Victim) -> None:
    rng = np.random.default_rng(2)
    found = callers(replace(victim, further=2.0), 25, rng, later=True)
    events = table(victim, [one for _, one in found], rng)
    assert events["input"].null_count < len(events)
    assert np.isnan(events["input"].combine_chunks().flatten().to_numpy(zero_copy_only=False)).any()
    known = attacks(victim.spec.kind)
    done = known["range_probing"][1](Case(victim, rng))
    assert done.calls.rows.shape[1] == WIDTH
