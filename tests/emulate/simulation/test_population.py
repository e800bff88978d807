from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from caponier.emulate.benign_client import BenignClient
from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.event_log import micros
from caponier.emulate.images import Images
from caponier.emulate.registry import habits
from caponier.emulate.simulation.population import Member, Population, assemble, drive, simulate
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.records.event import EVENT_SCHEMA
from emulate.conftest import Served
from pace import Stopwatch

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def crowd(pool: Images) -> Population:
    return assemble(pool, 2 * len(habits()), seed=0)


@pytest.fixture(scope="module")
def day(crowd: Population, victim: Victim) -> pa.Table:
    return simulate(crowd, victim.predict_proba, 60, begin=BEGIN)


def of(member: Member, table: pa.Table) -> list[dict[str, object]]:
    return [row for row in table.to_pylist() if row["principal"] == member.principal]


def test_habits_take_turns(crowd: Population) -> None:
    names = [member.habit.name for member in crowd.members]
    assert names == 2 * list(habits())
    assert len({member.principal for member in crowd.members}) == len(names)


def test_habits_can_be_chosen(pool: Images) -> None:
    chosen = {name: habits()[name] for name in ("poller", "heavy")}
    assert {member.habit.name for member in assemble(pool, 5, 0, chosen).members} == {"poller", "heavy"}


def test_members_of_one_habit_differ(crowd: Population) -> None:
    first, second = (member for member in crowd.members if member.habit.name == "random_user")
    assert not np.array_equal(next(first.requests(5)), next(second.requests(5)))


def test_a_day_follows_the_schema(day: pa.Table) -> None:
    assert day.schema == EVENT_SCHEMA
    day.validate(full=True)


def test_everybody_asks_the_promised_number(crowd: Population, day: pa.Table) -> None:
    for member in crowd.members:
        inputs = np.array([row["input"] for row in of(member, day)], np.float32)
        assert len(np.unique(inputs, axis=0)) == 60


def test_everybodys_requests_stand_in_order(crowd: Population, day: pa.Table) -> None:
    for member in crowd.members[: len(habits())]:
        rows = of(member, day)
        sent = np.concatenate(list(member.requests(60)))
        times = [row["time"] for row in rows]
        assert times == sorted(times)
        assert np.array_equal(np.array([row["input"] for row in rows], np.float32), sent)


def test_rows_of_a_request_share_time_and_id(crowd: Population, day: pa.Table) -> None:
    heavy = next(member for member in crowd.members if member.habit.name == "heavy")
    rows = of(heavy, day)
    assert (
        len({row["request_id"] for row in rows}) == len({row["time"] for row in rows}) == len(list(heavy.requests(60)))
    )


def test_users_mix_over_the_day(day: pa.Table) -> None:
    times = day["time"].to_pylist()
    principals = day["principal"].to_pylist()
    assert times == sorted(times)
    assert times[0] >= BEGIN
    assert times[-1] <= BEGIN + timedelta(days=1)
    assert sum(a != b for a, b in pairwise(principals)) > 2 * len(set(principals))


def test_a_short_span_is_kept(crowd: Population, victim: Victim) -> None:
    table = simulate(crowd, victim.predict_proba, 60, begin=BEGIN, span_s=30)
    times = table["time"].to_pylist()
    assert times[-1] <= BEGIN + timedelta(seconds=30.001)


def test_answers_are_the_victims(day: pa.Table, victim: Victim) -> None:
    inputs = np.array(day["input"].to_pylist(), np.float32)
    assert np.allclose(np.array(day["scores"].to_pylist()), victim.predict_proba(inputs), atol=1e-5)


def test_every_user_has_an_address(crowd: Population, day: pa.Table) -> None:
    assert len(set(day["source_ip"].to_pylist())) == len(crowd.members)


def test_the_seed_fixes_a_day(pool: Images, victim: Victim) -> None:
    once, again, other = (simulate(assemble(pool, 9, seed), victim.predict_proba, 30) for seed in (1, 1, 2))
    assert once.equals(again)
    assert not once["input"].equals(other["input"])


@pytest.mark.slow
def test_400_users_take_seconds(pool: Images, victim: Victim) -> None:
    """Measured 0.9 s on a core of its own."""
    with Stopwatch() as watch:
        table = simulate(assemble(pool, 400, seed=3), victim.predict_proba, 200)
        assert table.num_rows >= 80_000
    assert watch.seconds < 10


def test_a_server_answers_everybody(crowd: Population, served: Served) -> None:
    visits = drive(crowd, lambda member: served.remote(member.principal), 20)
    events = served.log.table()
    assert [visit.principal for visit in visits] == [member.principal for member in crowd.members]
    assert not any(visit.refused for visit in visits)
    assert sum(visit.rows for visit in visits) == events.num_rows
    assert all(visit.rows >= 20 for visit in visits)
    for member in crowd.members[: len(habits())]:
        logged = np.array([row["input"] for row in of(member, events)], np.float32)
        assert np.array_equal(logged, np.concatenate(list(member.requests(20))))


def test_benign_users_may_send_many_rows_a_request(crowd: Population, served: Served) -> None:
    visits = drive(crowd, lambda member: served.remote(member.principal), 40)
    heavy = next(visit for visit in visits if visit.principal.startswith("heavy"))
    assert heavy.rows / heavy.requests >= 13


def test_a_user_who_is_turned_away_is_told_of(pool: Images) -> None:
    class Door:
        def __init__(self) -> None:
            self.answered = 0
            self.closed = False

        def predict_proba(self, rows: Images) -> Images:
            if self.answered == 3:
                raise RefusedError("too many requests")
            self.answered += 1
            return rows

        def close(self) -> None:
            self.closed = True

    door = Door()
    (visit,) = drive(assemble(pool, 1, 0, {"random_user": habits()["random_user"]}), lambda _: door, 10)
    assert (visit.requests, visit.rows, visit.refused) == (3, 3, True)
    assert door.closed


@pytest.mark.parametrize("habit", habits().values(), ids=habits().keys())
@pytest.mark.parametrize(("n", "span_s"), [(1, 86_400), (1, 1), (50, 86_400), (50, 1)])
def test_arrivals_rise_within_the_span(habit: BenignClient, pool: Images, n: int, span_s: float) -> None:
    times = Member("m", habit, pool, (0, 3)).times(n, BEGIN, span_s)
    assert times.shape == (n,)
    assert (np.diff(times) >= 0).all()
    assert times[0] >= micros(BEGIN)
    assert times[-1] <= micros(BEGIN) + span_s * 1e6 + 1


def test_arrivals_keep_the_habits_pace(pool: Images) -> None:
    times = Member("m", habits()["poller"], pool, (0, 3)).times(100, BEGIN, 86_400)
    assert np.diff(times).mean() == pytest.approx(10e6, rel=0.05)


def test_the_seed_fixes_arrivals(pool: Images) -> None:
    once, again, other = (Member("m", habits()["burst"], pool, (0, at)).times(60, BEGIN, 86_400) for at in (1, 1, 2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_requests_do_not_depend_on_arrivals(pool: Images) -> None:
    member = Member("m", habits()["random_user"], pool, (0, 1))
    before = np.concatenate(list(member.requests(20)))
    member.times(500, BEGIN, 60)
    assert np.array_equal(np.concatenate(list(member.requests(20))), before)


def test_most_photos_of_an_ordinary_user_are_read_rightly(split: DigitsSplit, victim: Victim) -> None:
    """A crowd that the model mostly misreads would be no benign traffic."""
    for name in ("random_user", "poller", "heavy"):
        one = Member("m", habits()[name], split.calibration.images, (0, 1))
        sent = np.concatenate(list(one.requests(300)))
        nearest = np.linalg.norm(sent[:, None] - split.calibration.images[None], axis=2).argmin(axis=1)
        assert (victim.answers(sent) == split.calibration.labels[nearest]).mean() > 0.85
