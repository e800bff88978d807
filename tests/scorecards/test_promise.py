"""How benign callers are spread over days, and what is said of how sure a share is."""

import itertools
import math
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from bench.scorecards.promise import _summed, daily, share_interval

from caponier.emulate.registry import habits
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.victims.digits import DigitsSplit, Victim

UNIQUE, DAYS = 20, 3


@pytest.fixture(scope="module")
def asked(digits: tuple[DigitsSplit, Victim]) -> pa.Table:
    split, victim = digits
    return simulate(assemble(split.test.images, len(habits()), 5), victim.predict_proba, UNIQUE * DAYS)


@pytest.fixture(scope="module")
def spread(asked: pa.Table) -> pa.Table:
    return daily(asked, UNIQUE)


def of(events: pa.Table, who: str) -> tuple[list[object], np.ndarray]:
    """Return the times and inputs of one caller, in order."""
    own = events.take(pa.array([i for i, name in enumerate(events["principal"].to_pylist()) if name == who]))
    own = own.sort_by("time")
    return own["time"].to_pylist(), np.array(own["input"].to_pylist(), np.float32)


def test_nobody_asks_for_anything_else_than_before(asked: pa.Table, spread: pa.Table) -> None:
    assert spread.schema.equals(asked.schema)
    for who in set(asked["principal"].to_pylist()):
        before, after = of(asked, who)[1], of(spread, who)[1]
        assert sorted(map(bytes, before)) == sorted(map(bytes, after))


def test_everybody_asks_for_as_much_each_day(asked: pa.Table, spread: pa.Table) -> None:
    # Days are counted from when the first caller asked before anybody's times were moved.
    first = min(asked["time"].to_pylist())
    for who in set(spread["principal"].to_pylist()):
        times, inputs = of(spread, who)
        days = np.array([(time - first) // timedelta(days=1) for time in times])
        assert set(days) == set(range(DAYS))
        seen: set[bytes] = set()
        for day in range(DAYS):
            new = {bytes(row) for row in inputs[days == day]} - seen
            # The last request may hold more than was still to be asked for.
            assert len(new) == UNIQUE or day == DAYS - 1
            seen |= new
        assert len(seen) >= UNIQUE * DAYS


def test_the_pace_within_a_day_is_that_of_before(asked: pa.Table, spread: pa.Table) -> None:
    (who,) = {name for name in asked["principal"].to_pylist() if name.startswith("batch_scoring")}
    before, after = of(asked, who)[0], of(spread, who)[0]
    gaps = [later - sooner for sooner, later in itertools.pairwise(after)]
    assert max(gaps) > timedelta(hours=12), "nights lie between"
    assert before[-1] - before[0] < timedelta(minutes=1), "before, it was done in one night"
    assert sorted(gaps)[: -DAYS + 1][-1] < timedelta(minutes=1)


@pytest.mark.parametrize(("k", "n"), [(0, 50), (1, 50), (25, 50), (50, 50), (3, 5_000)])
def test_an_interval_holds_the_share_and_is_exact(k: int, n: int) -> None:
    low, high = share_interval(k, n)
    assert low <= k / n <= high

    def tail(p: float, reached: range) -> float:
        logs = [
            math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1)
            + (j * math.log(p) if j else 0.0) + ((n - j) * math.log1p(-p) if n - j else 0.0)
            for j in reached
        ]  # fmt: skip
        return sum(map(math.exp, logs))

    if k:
        assert tail(low, range(k, n + 1)) == pytest.approx(0.025, abs=0.002)
    if k < n:
        assert tail(high, range(k + 1)) == pytest.approx(0.025, abs=0.002)


def test_the_mean_share_comes_with_how_sure_it_is() -> None:
    rows = [{"benign_flagged": n, "flagged": 9, "attackers": 10} for n in (0, 1, 2, 3)]
    told = _summed(rows, 100)
    assert told["callers_flagged_share_after_100_mean"] == 0.015
    # Student's t with three degrees of freedom: 3.182 standard errors of 0.006455.
    assert told["callers_flagged_share_after_100_upper"] == pytest.approx(0.015 + 3.182 * 0.006455, abs=1e-4)
    assert told["callers_flagged_share_after_100_lower"] == 0.0
    assert told["attackers_flagged_share_after_100"] == 0.9
