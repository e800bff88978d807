"""The accounts that are kept of attacks and campaigns: budget, different queries, nearest image, times, logs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.emulate.attack import carry_out
from caponier.emulate.attacker.black_box import seeded
from caponier.emulate.attacker.foothold import BISECTION, NOISE_TRIALS, bisect, foothold
from caponier.emulate.caller.oracle import BudgetSpentError, Oracle, RefusedError
from caponier.emulate.campaign import MeteredModel
from caponier.emulate.emulation import carried_out
from caponier.emulate.event_log import Answers, Deployment, ServerLog, events, interleaved, micros
from caponier.emulate.images import Images
from caponier.emulate.outcome import AttackOutcome, Stop
from caponier.emulate.registry import attacks
from caponier.errors import InputError
from caponier.records.event import EVENT_SCHEMA

few = settings(max_examples=40, deadline=None)
levels = st.lists(st.integers(0, 12), min_size=1, max_size=40)
"""Brightnesses in sixteenths."""


def grey(level: float) -> Images:
    return np.full(64, level / 16, np.float32)


def dark(rows: Images) -> Images:
    """A model that tells dark from bright at one half: class 0 and class 1."""
    scores = np.zeros((len(rows), 10), np.float32)
    scores[np.arange(len(rows)), (rows.mean(axis=1) > 0.5).astype(int)] = 1
    return scores


def oracle(budget: int = 1_000, label: int = 0, target: int | None = None) -> Oracle:
    return Oracle(dark, grey(0), label, budget, target)


@few
@given(asked=levels, budget=st.integers(1, 50))
def test_a_line_sends_what_the_budget_allows_and_counts_it(asked: list[int], budget: int) -> None:
    sent: list[bytes] = []

    def predict(rows: Images) -> Images:
        assert rows.shape == (1, 64)
        sent.append(rows.tobytes())
        return dark(rows)

    line = MeteredModel(predict, budget)

    def steps() -> None:
        for level in asked:
            assert line.ask(grey(level)).shape == (10,)

    stop = carried_out(steps)
    assert stop is (Stop.BUDGET if len(asked) > budget else Stop.FINISHED)
    assert line.queries == len(sent) == min(len(asked), budget)
    assert line.unique_queries == len(set(sent))


@few
@given(asked=levels)
def test_what_was_not_answered_is_not_counted(asked: list[int]) -> None:
    def predict(rows: Images) -> Images:
        if rows.mean() > 0.25:
            raise RefusedError("blocked")
        return dark(rows)

    line = MeteredModel(predict, 100)
    stop = carried_out(lambda: [line.ask(grey(level)) for level in asked] and None)
    before = next((at for at, level in enumerate(asked) if level > 4), None)
    assert stop is (Stop.FINISHED if before is None else Stop.REFUSED)
    assert line.queries == (len(asked) if before is None else before)


@pytest.mark.parametrize("budget", [0, -1, -(10**9)])
def test_a_budget_below_one_query_is_refused(budget: int) -> None:
    with pytest.raises(InputError, match="at least one query"):
        MeteredModel(dark, budget)
    with pytest.raises(InputError, match="at least one query"):
        oracle(budget)


def test_other_errors_are_nobodys_end() -> None:
    """A bug must not look like a campaign that ended."""

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        carried_out(broken)


@few
@given(asked=levels, hold=st.integers(0, 40), target=st.sampled_from([None, 1]))
def test_an_oracle_remembers_the_first_and_the_nearest_wrong_answer(
    asked: list[int], hold: int, target: int | None
) -> None:
    one = oracle(target=target)
    for at, level in enumerate(asked):
        if at == hold:
            one.hold()
        one.answer(grey(level))
    wrong = [(at, level) for at, level in enumerate(asked, 1) if level > 8]
    held = [level for at, level in wrong if at <= hold] if hold < len(asked) else []
    outcome = one.outcome("n", (), Stop.FINISHED)
    assert outcome.queries == len(asked)
    assert outcome.unique_queries == len(set(asked))
    assert outcome.first_query == (wrong[0][0] if wrong else None)
    assert outcome.final_distance == (pytest.approx(8 * min(level for _, level in wrong) / 16) if wrong else None)
    assert outcome.first_distance == (pytest.approx(8 * min(held) / 16) if held else None)
    assert outcome.success == bool(held and min(level for _, level in wrong) <= min(held) / 2)


@few
@given(asked=levels, budget=st.integers(1, 20))
def test_rows_asked_together_are_asked_one_by_one_until_the_budget_is_spent(asked: list[int], budget: int) -> None:
    one = oracle(budget)
    batch = np.array([grey(level) for level in asked])
    if len(asked) > budget:
        with pytest.raises(BudgetSpentError):
            one(batch)
    else:
        assert np.array_equal(one(batch), dark(batch))
    assert one.queries == min(len(asked), budget)


def test_the_nearest_image_is_a_copy() -> None:
    one, image = oracle(), grey(12)
    one.answer(image)
    image[:] = 0
    assert one.nearest is not None
    assert one.nearest.image.min() == grey(12).min()


class Walk:
    """An attack of given steps, for `carry_out`."""

    name, techniques = "walk", ()


def carried(steps: Callable[[Oracle], None], budget: int = 50, label: int = 0) -> AttackOutcome:
    return carry_out(Walk(), oracle(budget, label), steps)  # type: ignore[arg-type]


def test_a_model_that_is_wrong_already_is_no_victim() -> None:
    with pytest.raises(InputError, match="without any attack"):
        carried(lambda _: None, label=3)


def test_looking_at_the_original_is_a_query_too() -> None:
    assert carried(lambda _: None).queries == 1
    assert carried(lambda one: one.answer(grey(1)) and None, budget=1).stop is Stop.BUDGET


@few
@given(far=st.integers(9, 16))
def test_a_walk_by_halves_ends_beside_the_boundary(far: int) -> None:
    one = oracle()
    near = bisect(one, grey(far))
    assert one.fooled(int(dark(near[None]).argmax()))
    below = near - BISECTION * grey(far)
    assert not one.fooled(int(dark(below[None]).argmax()))
    assert one.queries <= int(np.ceil(np.log2(1 / BISECTION)))


def test_noise_that_is_never_misread_is_given_up() -> None:
    one = Oracle(lambda rows: np.eye(10, dtype=np.float32)[[0] * len(rows)], grey(0), 0, 1_000)
    assert foothold(one, np.random.default_rng(0), None) is None
    assert one.queries == NOISE_TRIALS


@given(seed=st.integers(0, 2**70))
@few
def test_the_toolboxs_seed_is_put_back(seed: int) -> None:
    np.random.seed(5)
    expected = np.random.random(3)
    np.random.seed(5)
    with seeded(seed):
        drawn = np.random.random(3)
    assert np.array_equal(np.random.random(3), expected)
    with seeded(seed):
        assert np.array_equal(np.random.random(3), drawn)


def test_the_seed_is_put_back_after_an_error_too() -> None:
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    with pytest.raises(KeyError), seeded(1):
        raise KeyError
    assert np.array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("name", attacks())
def test_a_budget_of_one_looks_at_the_original_and_stops(name: str) -> None:
    outcome = attacks()[name].run(dark, grey(0), 0, seed=0, budget=1)
    assert (outcome.queries, outcome.stop, outcome.success) == (1, Stop.BUDGET, False)
    assert outcome.adversarial is None


moments = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(moment=moments)
def test_a_moment_is_its_microseconds_exactly(moment: datetime) -> None:
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros(moment)) == moment


def logged(times: list[int], who: str) -> pa.Table:
    n = len(times)
    answers = Answers(
        time=np.array(times, np.int64),
        input=np.arange(n * 64, dtype=np.float32).reshape(n, 64),
        scores=np.eye(10, dtype=np.float32)[np.arange(n) % 10],
        principal=[who] * n,
        request_id=[f"{who}/{at}" for at in range(n)],
        source_ip=["10.0.0.1"] * n,
        latency_ms=np.ones(n),
    )
    return events(answers, Deployment("m", "7", "s"))


@few
@given(traces=st.lists(st.lists(st.integers(0, 50), max_size=15), min_size=1, max_size=4))
def test_traces_are_put_together_without_losing_or_changing_a_row(traces: list[list[int]]) -> None:
    tables = [logged(times, f"u{at}") for at, times in enumerate(traces)]
    whole = interleaved(tables)
    assert whole.schema == EVENT_SCHEMA
    assert whole["seq"].to_pylist() == list(range(sum(map(len, traces))))
    assert whole["time"].to_pylist() == sorted(whole["time"].to_pylist())
    for at, table in enumerate(tables):
        own = [row for row in whole.to_pylist() if row["principal"] == f"u{at}"]
        bare = [
            [{k: v for k, v in row.items() if k not in ("seq", "event_id")} for row in rows]
            for rows in (own, table.to_pylist())
        ]
        assert bare[0] == bare[1]


@few
@given(times=st.lists(st.integers(0, 30), min_size=1, max_size=20))
def test_a_log_that_was_recorded_is_the_log_that_was_made(times: list[int]) -> None:
    made, log = logged(times, "u"), ServerLog()
    for row in made.to_pylist():
        log.record([row])
    assert log.table().equals(made)
    rows = log.rows()
    rows.clear()
    assert len(log.rows()) == len(times)
