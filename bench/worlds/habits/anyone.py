"""Benign habits of callers of any model."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.habits.ground import Ground, Kind, choice, repeated
from bench.worlds.traffic import Calls

Rng = np.random.Generator


def _filled(n: int, usual: str) -> NDArray[Any]:
    found = np.empty(n, object)
    found[:] = usual
    return found


def plain(ground: Ground, rng: Rng, n: int) -> Calls:
    """Somebody with varied inputs, each once."""
    return Calls(ground.some(n, rng))


def machine(ground: Ground, rng: Rng, n: int) -> Calls:
    """A service that sends what comes in, round the clock."""
    return Calls(ground.some(n, rng), "steady")


def narrow(ground: Ground, rng: Rng, n: int) -> Calls:
    """A user whose inputs are all of one class."""
    own = np.flatnonzero(ground.answers == rng.choice(ground.answers))
    return Calls(ground.rows(rng.choice(own, n), rng))


def poller(ground: Ground, rng: Rng, n: int) -> Calls:
    """A forgotten script that asks the same row for ever."""
    return Calls(repeated(ground.some(1, rng), n, n), "steady")


def canary(ground: Ground, rng: Rng, n: int) -> Calls:
    """A monitor that sends one golden row and asks after the server's health in between."""
    operation = _filled(n, "predict")
    operation[1::2] = "health"
    return Calls(repeated(ground.some(1, rng), n, n), "steady", operation)


def retrier(ground: Ground, rng: Rng, n: int) -> Calls:
    """A client on a bad line: it asks again after 429, 503 and timeouts."""
    rows, times = ground.some(n, rng), rng.geometric(rng.uniform(0.4, 0.9), n)
    found, status = np.repeat(rows, times, axis=0)[:n], np.full(n, 200)
    last = np.zeros(n, bool)
    last[(times.cumsum() - 1)[times.cumsum() <= n]] = True
    status[~last] = rng.choice([429, 503, 504, 200], int((~last).sum()), p=[0.4, 0.3, 0.1, 0.2])
    return Calls(found, status=status)


def night_batch(ground: Ground, rng: Rng, n: int) -> Calls:
    """A job that scores the day's rows at night."""
    return Calls(ground.some(n, rng), "night")


def whole_set(ground: Ground, rng: Rng, n: int) -> Calls:
    """An evaluation team that goes through a labelled set, and sends the labels back."""
    at = ground.pick(-(-n // 2), rng)
    rows, operation = repeated(ground.rows(at, rng), 2, n), _filled(n, "predict")
    operation[1::2] = "feedback"
    told = np.empty(n, object)
    told[1::2] = np.array(ground.victim.classes, object)[ground.pool.labels[at]][: n // 2]
    return Calls(rows, "burst", operation, feedback=told)


def ab_tester(ground: Ground, rng: Rng, n: int) -> Calls:
    """A team that sends each row to the old version and to the new."""
    return Calls(repeated(ground.some(-(-n // 2), rng), 2, n), "steady")


def shadow(ground: Ground, rng: Rng, n: int) -> Calls:
    """A shadow deployment: a share of somebody else's traffic once more, in bursts."""
    return Calls(ground.rows(rng.integers(0, len(ground.pool), n), rng), "night")


def newcomer(ground: Ground, rng: Rng, n: int) -> Calls:
    """Somebody who begins: the schema, wrong shapes, then own rows."""
    operation, status = _filled(n, "predict"), np.full(n, 200)
    tries = min(n, int(rng.integers(3, 12)))
    operation[:tries] = rng.choice(["predict", "metadata", "health"], tries, p=[0.6, 0.25, 0.15])
    wrong = np.flatnonzero(operation[:tries] == "predict")
    status[wrong] = rng.choice([400, 422, 401, 413], len(wrong), p=[0.6, 0.3, 0.05, 0.05])
    length = np.full(n, -1)
    rows = ground.some(n, rng)
    length[wrong] = 0 if rows.ndim == 1 else rng.integers(0, max(1, rows.shape[1] - 1), len(wrong))
    return Calls(rows, "visits", operation, status, length=length)


def dashboard(ground: Ground, rng: Rng, n: int) -> Calls:
    """A dashboard that asks for yesterday's rows again each day, and a few new ones."""
    kept = int(rng.integers(3, max(4, n // 4)))
    at = np.arange(n) % kept + np.arange(n) // kept * max(1, kept // 10)
    return Calls(ground.some(n, rng)[at % n], "daily")


def load_test(ground: Ground, rng: Rng, n: int) -> Calls:
    """An agreed load test: a handful of rows, as fast as it goes, some turned away."""
    status = np.where(rng.random(n) < 0.05, 429, 200)
    return Calls(ground.some(min(n, 10), rng)[np.arange(n) % min(n, 10)], "burst", status=status)


def integrator(ground: Ground, rng: Rng, n: int) -> Calls:
    """A product behind one key: many end users, each with a session and favourites of one or two classes."""
    users = max(2, n // 15)
    who = choice(n, users, rng)
    session = np.array([f"u{rng.bytes(4).hex()}" for _ in range(users)], object)[who]
    return Calls(ground.some(n, rng), "steady", session=session)


def hard_queue(ground: Ground, rng: Rng, n: int) -> Calls:
    """A queue for people to look at: rows of which the model was unsure the first time."""
    hard = np.argsort(ground.margin)[: max(30, len(ground.pool) // 8)]
    return Calls(ground.rows(rng.choice(hard, n), rng))


def labelling_team(ground: Ground, rng: Rng, n: int) -> Calls:
    """A team that labels its own rows, the most uncertain first, and asks for them again after that."""
    own = ground.pick(min(n, len(ground.pool)), rng)
    turn = own[np.argsort(ground.margin[own])][: max(1, n // 3)]
    rows = ground.rows(own, rng)
    first = {int(at): place for place, at in enumerate(own)}
    again = np.array([first[int(at)] for at in turn])
    order = np.concatenate([np.arange(len(own)), again, again])[:n]
    return Calls(rows[np.resize(order, n)], "visits")


def ci_tests(ground: Ground, rng: Rng, n: int) -> Calls:
    """Tests in a pipeline: the same few rows at each commit."""
    fixed = ground.some(min(n, int(rng.integers(5, 25))), rng)
    return Calls(fixed[np.arange(n) % len(fixed)])


def popular(ground: Ground, rng: Rng, n: int) -> Calls:
    """A site whose visitors ask for the popular rows most."""
    fixed = ground.some(min(max(2, n // 2), 300), rng)
    return Calls(fixed[choice(n, len(fixed), rng)], "steady")


def growing(ground: Ground, rng: Rng, n: int) -> Calls:
    """A researcher who scores the growing set from its beginning each week."""
    rows = ground.some(max(1, n // 2), rng)
    step = max(1, len(rows) // 4)
    order = np.concatenate([np.arange(min(len(rows), step * turn)) for turn in range(1, 9)])
    return Calls(rows[np.resize(order, n)], "visits")


def explained(ground: Ground, rng: Rng, n: int) -> Calls:
    """An auditor who asks for a prediction and then why."""
    operation = _filled(n, "predict")
    operation[1::2] = "explain"
    return Calls(repeated(ground.some(-(-n // 2), rng), 2, n), "visits", operation)


def tutorial(ground: Ground, rng: Rng, n: int) -> Calls:
    """Somebody who works through the documentation: its three rows again and again, then own ones."""
    rows, mine = ground.some(n, rng), np.arange(n)
    mine[: n // 2] = rng.integers(0, min(3, n), n // 2)
    return Calls(rows[mine])


def corrector(ground: Ground, rng: Rng, n: int) -> Calls:
    """A clerk who sends the right label back where the answer was wrong."""
    at = ground.pick(n, rng)
    operation, told = _filled(n, "predict"), np.empty(n, object)
    wrong = np.flatnonzero(ground.answers[at] != ground.pool.labels[at])
    wrong = wrong[wrong + 1 < n] + 1
    rows = ground.rows(at, rng)
    rows[wrong] = rows[wrong - 1]
    operation[wrong] = "feedback"
    told[wrong] = np.array(ground.victim.classes, object)[ground.pool.labels[at[wrong - 1]]]
    return Calls(rows, operation=operation, feedback=told)


ANY: Final[Mapping[str, Kind]] = {
    "plain": Kind(plain, 24, 6), "machine": Kind(machine, 5, 14), "narrow": Kind(narrow, 4, 2),
    "poller": Kind(poller, 2, 5), "canary": Kind(canary, 2, 6), "retrier": Kind(retrier, 4, 3),
    "night_batch": Kind(night_batch, 4, 14), "whole_set": Kind(whole_set, 2, 5), "ab_tester": Kind(ab_tester, 2, 3),
    "shadow": Kind(shadow, 1, 6), "newcomer": Kind(newcomer, 5, 0), "dashboard": Kind(dashboard, 3, 4),
    "load_test": Kind(load_test, 1, 5), "integrator": Kind(integrator, 3, 12), "hard_queue": Kind(hard_queue, 2, 1),
    "labelling_team": Kind(labelling_team, 1.5, 2), "ci_tests": Kind(ci_tests, 2, 2), "popular": Kind(popular, 2, 4),
    "growing": Kind(growing, 1.5, 2), "explained": Kind(explained, 1.5, 0.5), "tutorial": Kind(tutorial, 2, 0),
    "corrector": Kind(corrector, 2, 1),
}  # fmt: skip
