"""Laws of benign users, over every habit: they never stop short, hang, or send what is none of theirs."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.emulate.benign_client import BenignClient, queries
from caponier.emulate.caller.pace import BACK_TO_BACK_S, Pace
from caponier.emulate.controls.clients.batch_scoring import BatchScoring
from caponier.emulate.controls.clients.evaluation_team import EvaluationTeam
from caponier.emulate.controls.clients.low_contrast import DIM, LowContrast
from caponier.emulate.controls.clients.one_class import ALIKE, OneClass
from caponier.emulate.controls.clients.owner_of_records import OWN, OwnerOfRecords
from caponier.emulate.controls.clients.poller import Poller
from caponier.emulate.event_log import micros
from caponier.emulate.images import Images
from caponier.emulate.registry import habits
from caponier.emulate.simulation.population import Member, assemble, simulate
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.errors import InputError
from emulate.controls.clients.asked import requests, rows

EACH = pytest.mark.parametrize("habit", habits().values(), ids=habits())
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
few = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@EACH
@few
@given(n=st.integers(1, 80), images=st.integers(1, 40), seed=st.integers(0, 2**40))
def test_any_number_from_any_pool_and_not_one_row_more(
    habit: BenignClient, pool: Images, n: int, images: int, seed: int
) -> None:
    asked = list(queries(habit, pool[:images], np.random.default_rng(seed), n))
    sent = np.concatenate(asked)
    assert len(np.unique(sent, axis=0)) == n
    assert len(np.unique(sent[:-1], axis=0)) == n - 1
    assert min(map(len, asked)) >= 1
    assert np.isfinite(sent).all()
    assert sent.min() >= 0
    assert sent.max() <= 1


@EACH
@pytest.mark.parametrize("n", [0, -1, -200])
def test_no_row_at_all_is_refused_and_does_not_go_on_for_ever(habit: BenignClient, pool: Images, n: int) -> None:
    with pytest.raises(InputError, match="at least one row"):
        next(queries(habit, pool, np.random.default_rng(0), n))


@EACH
def test_nothing_to_photograph_is_refused_and_does_not_go_on_for_ever(habit: BenignClient, pool: Images) -> None:
    with pytest.raises(InputError, match="no image"):
        next(queries(habit, pool[:0], np.random.default_rng(0), 5))


@EACH
def test_a_user_is_not_moved_by_numpys_own_generator(habit: BenignClient, pool: Images) -> None:
    np.random.seed(1)
    one = rows(habit, pool, 60)
    np.random.seed(2)
    assert np.array_equal(one, rows(habit, pool, 60))


@EACH
def test_only_who_says_so_sends_a_training_row_as_it_is(habit: BenignClient, split: DigitsSplit) -> None:
    """Benign users of one pool never send another's images, and their own only where their habit says so."""
    own = {image.tobytes() for image in split.calibration.images}
    strange = {image.tobytes() for pool in (split.train, split.test, split.attackers) for image in pool.images} - own
    sent = {row.tobytes() for row in rows(habit, split.calibration.images, 300)}
    assert not sent & strange
    assert bool(sent & own) == (habit.name in ("owner_of_records", "evaluation_team"))


@EACH
def test_requests_do_not_share_memory_with_the_pool(habit: BenignClient, pool: Images) -> None:
    """Whoever changes what was sent must not change what others will photograph."""
    images = pool.copy()
    for request in islice(habit.requests(images, np.random.default_rng(4)), 50):
        request[:] = 7
    assert np.array_equal(images, pool)


@EACH
@few
@given(n=st.integers(1, 200), span=st.floats(0.5, 1e6), seed=st.integers(0, 10**6))
def test_arrivals_rise_within_the_span_however_short(
    habit: BenignClient, pool: Images, n: int, span: float, seed: int
) -> None:
    times = Member("u", habit, pool, (seed, 3)).times(n, BEGIN, span)
    assert len(times) == n
    assert (np.diff(times) >= 0).all()
    assert micros(BEGIN) <= times[0]
    assert times[-1] <= micros(BEGIN) + round(span * 1e6) + 1


@few
@given(
    mean=st.floats(0.01, 1e4),
    spread=st.floats(0, 1.5),
    burst=st.integers(1, 9),
    n=st.integers(1, 60),
    seed=st.integers(0, 999),
)
def test_every_gap_of_a_burst_but_the_first_is_back_to_back(
    mean: float, spread: float, burst: int, n: int, seed: int
) -> None:
    gaps = Pace(mean, spread, burst).gaps(n, np.random.default_rng(seed))
    assert gaps.shape == (n,)
    assert (gaps > 0).all()
    within = np.arange(n) % burst > 0
    assert (gaps[within] == BACK_TO_BACK_S).all()
    if spread == 0:
        assert gaps[~within] == pytest.approx(mean)


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0])
def test_a_pace_keeps_its_mean_whatever_its_spread(spread: float) -> None:
    gaps = Pace(3.0, spread).gaps(60_000, np.random.default_rng(0))
    assert gaps.mean() == pytest.approx(3.0, rel=0.05)


def test_a_batch_job_sends_full_batches_of_different_digits(pool: Images) -> None:
    asked = requests(BatchScoring(), pool, 64 * 4)
    assert [len(request) for request in asked] == [64] * 4
    assert len(requests(BatchScoring(rows=10), pool, 25)[-1]) == 5


def test_testers_go_through_their_half_as_it_is_and_then_near_it(pool: Images) -> None:
    half = pool[len(pool) // 2 :]
    sent = rows(EvaluationTeam(), pool, 3 * len(half))
    first, second, third = (sent[at * len(half) : (at + 1) * len(half)] for at in range(3))
    assert {row.tobytes() for row in first} == {row.tobytes() for row in half}
    for again in (second, third):
        assert 0 < np.abs(again - first).max() < 0.4
    assert not np.array_equal(second, third)


def test_owners_have_five_records_and_photograph_the_rest(pool: Images) -> None:
    known = {image.tobytes() for image in pool}
    sent = requests(OwnerOfRecords(), pool, 500)
    owned = [request.tobytes() for request in sent if request.tobytes() in known]
    assert len(set(owned)) == OWN
    assert 0.04 < len(owned) / len(sent) < 0.2
    assert not [r for r in requests(OwnerOfRecords(share=0.0), pool, 200) if r.tobytes() in known]


def test_a_dim_hall_is_darker_and_still_the_same_things(pool: Images) -> None:
    sent = rows(LowContrast(), pool, 400)
    assert DIM[0] * 0.8 < sent.mean() / pool.mean() < DIM[1] * 1.3
    assert np.percentile(sent.max(axis=1), 90) < 0.95


def test_alike_means_close_to_each_other(pool: Images) -> None:
    def farness(images: Images) -> float:
        return float(np.linalg.norm(images[:, None] - images[None], axis=2).mean())

    assert farness(rows(OneClass(), pool, 60)) < 0.8 * farness(pool[:60])
    few_images = rows(OneClass(), pool[: ALIKE // 2], 60)
    assert len(np.unique(few_images, axis=0)) == 60


def test_a_fixed_camera_sees_one_scene_for_a_while(pool: Images) -> None:
    moved = np.linalg.norm(np.diff(rows(Poller(frames=(20, 20)), pool, 100), axis=0), axis=1)
    cuts = np.flatnonzero(moved > 1)
    assert all(at % 20 == 19 for at in cuts)
    assert len(cuts) >= 3


@few
@given(n=st.integers(1, 30), seed=st.integers(0, 10**6))
def test_a_population_has_everybody_once_and_each_of_them_is_somebody_else(pool: Images, n: int, seed: int) -> None:
    members = assemble(pool, n, seed).members
    assert len({member.principal for member in members}) == n
    assert len({member.seed for member in members}) == n
    names = list(habits())
    assert [member.habit.name for member in members] == [names[at % len(names)] for at in range(n)]


def test_a_larger_crowd_begins_with_the_smaller_one(pool: Images, victim: Victim) -> None:
    """So that a figure over the number of users compares the same users."""

    def asked(n: int) -> dict[str, Any]:
        table = simulate(assemble(pool, n, 9), victim.predict_proba, 8, span_s=600.0)
        return {
            who: [row["input"] for row in table.to_pylist() if row["principal"] == who]
            for who in set(table["principal"].to_pylist())
        }

    small, large = asked(6), asked(11)
    assert {who: large[who] for who in small} == small


@pytest.mark.parametrize("span", [1.0, 3_600.0])
def test_everything_happens_within_the_span(pool: Images, victim: Victim, span: float) -> None:
    times = simulate(assemble(pool, 13, 2), victim.predict_proba, 30, begin=BEGIN, span_s=span)["time"].to_pylist()
    assert times[0] >= BEGIN
    assert times[-1] <= BEGIN + timedelta(seconds=span, milliseconds=1)
    assert all(one <= next_ for one, next_ in pairwise(times))
