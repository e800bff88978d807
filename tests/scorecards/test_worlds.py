"""The worlds that others made: their callers, their events, and how attacks are judged."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from bench.worlds import ALL, HELD_OUT, HELD_OUT_2, HELD_OUT_3, OPEN, OPEN_2, load
from bench.worlds.attacks.campaigns import attacks, campaigns, cheap, mixed
from bench.worlds.attacks.case import Case, Found
from bench.worlds.attacks.extraction import kappa
from bench.worlds.attacks.oracle import Oracle, Spent, flipped, nearest, until_spent
from bench.worlds.habits.ground import Ground
from bench.worlds.habits.of_growth import GROWING
from bench.worlds.habits.of_series import SERIES
from bench.worlds.pictures import photographed, shifted, turned
from bench.worlds.populations import MOST, callers, habits, sizes
from bench.worlds.predictors import boosted, forest
from bench.worlds.traffic import DAY, Calls, part, table, times
from bench.worlds.victims import Pool, Victim, values
from bench.worlds.world import sources

from caponier.records.event import EVENT_SCHEMA
from caponier.records.inventory import FeatureSpec

Rng = np.random.Generator


def _rows(n: int, width: int, rng: Rng) -> Pool:
    rows = rng.random((n, width)).astype(np.float32)
    return Pool(rows, (rows[:, 0] > 0.5).astype(np.int64))


def _sure(rows: Any) -> np.ndarray:
    """Answer by the first value, (n, 2)."""
    score = 1 / (1 + np.exp(-20 * (np.asarray(rows)[:, 0] - 0.5)))
    return np.stack([1 - score, score], axis=1).astype(np.float32)


def _wordy(rows: Any) -> np.ndarray:
    score = np.array([min(0.99, 0.05 + 0.15 * row.count("win")) for row in rows], np.float32)
    return np.stack([1 - score, score], axis=1)


def _texts(n: int, rng: Rng) -> Pool:
    words = np.array(["win", "money", "meeting", "notes", "monday", "please", "agenda", "offer", "call"], object)
    rows = np.empty(n, object)
    rows[:] = [" ".join(rng.choice(words, 30)) for _ in range(n)]
    return Pool(rows, _wordy(rows).argmax(axis=1))


def _victim(kind: str) -> Victim:
    rng = np.random.default_rng(0)
    specs = {
        "image": FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0),
        "numeric": FeatureSpec(kind="numeric", shape=(12,)),
        "text": FeatureSpec(kind="text"),
    }
    width = 64 if kind == "image" else 12
    drawn = [_texts(150, rng) if kind == "text" else _rows(150, width, rng) for _ in range(4)]
    return Victim(
        name="toy", description="", spec=specs[kind], classes=("no", "yes"),
        ask=_wordy if kind == "text" else _sure,
        train=drawn[0], calm=drawn[1], fresh=drawn[2], own=drawn[3],
        renew=lambda rows, _: rows.copy(), further=2.0,
        texts=(lambda rows: pa.array(rows, pa.string())) if kind == "text" else None,
        values=() if kind == "text" else values(drawn[0].rows), priced=kind == "text",
    )  # fmt: skip


@pytest.fixture(params=["image", "numeric", "text"], scope="module")
def victim(request: pytest.FixtureRequest) -> Victim:
    return _victim(request.param)


def test_four_worlds_are_open_and_four_are_held_out() -> None:
    assert len(OPEN) == len(HELD_OUT) == 4
    assert {load(name).name for name in ALL} == {*OPEN, *HELD_OUT, *OPEN_2, *HELD_OUT_2, *HELD_OUT_3}
    assert len(set(ALL)) == len(ALL) == 13
    with pytest.raises(ValueError, match="there are digits_cnn"):
        load("nowhere")


def test_most_callers_ask_little_and_one_in_twenty_much() -> None:
    found = sizes(20_000, 1.0, np.random.default_rng(1))
    assert 20 <= np.median(found) <= 40
    assert 0.03 < (found >= 450).mean() < 0.07
    assert (found.min() >= 1, found.max()) == (True, MOST)


@pytest.mark.parametrize("rhythm", ["visits", "steady", "night", "daily", "burst"])
def test_times_are_in_order_and_within_the_log(rhythm: str) -> None:
    for seed in range(20):
        found = times(rhythm, 200, 14.0, np.random.default_rng(seed))
        assert found.shape == (200,)
        assert (np.diff(found) >= 0).all()
        assert 0 <= found[0] < found[-1] < 16 * DAY


def test_people_ask_by_day() -> None:
    found = np.concatenate([times("visits", 30, 14.0, np.random.default_rng(seed)) for seed in range(300)])
    hour = found % DAY / 3600
    assert ((hour > 8) & (hour < 18)).mean() > 3 * (hour < 6).mean()


def test_each_habit_gives_as_many_calls_as_it_is_asked_for(victim: Victim) -> None:
    ground = Ground.of(victim, victim.calm)
    kinds = habits(victim.spec.kind)
    assert len(kinds) >= 30
    for name, kind in kinds.items():
        assert kind.habit.__doc__, name
        for n in (1, 2, 37, 700):
            calls = kind.habit(ground, np.random.default_rng(n), n)
            assert len(calls.rows) == n, name
            for column in ("operation", "status", "session", "feedback", "length"):
                given = getattr(calls, column)
                assert given is None or len(given) == n, (name, column)
            if victim.texts is None:
                assert calls.rows.shape == (n, victim.calm.rows.shape[1]), name
                assert np.isfinite(calls.rows).all(), name


def _later_share(victim: Victim, *, later: bool) -> float:
    found = callers(victim, 1_500, np.random.default_rng(4), later=later)
    return sum(habit in GROWING for habit, _ in found) / len(found)


def test_habits_that_grow_are_found_where_a_world_grows_and_more_of_them_later() -> None:
    victim = _victim("numeric")
    assert _later_share(victim, later=True) == 0
    growing = replace(victim, grows=True)
    before, later = (_later_share(growing, later=one) for one in (False, True))
    assert 0 < before < later / 1.5


@pytest.mark.parametrize("kind", ["numeric", "image"])
def test_a_habit_that_grows_gives_as_many_calls_as_asked_for_within_what_rows_hold(kind: str) -> None:
    victim = _victim(kind)
    ground = Ground.of(victim, victim.calm)
    for name, one in GROWING.items():
        for n in (1, 2, 37, 700):
            calls = one.habit(ground, np.random.default_rng(n), n)
            assert one.habit.__doc__, name
            assert calls.rows.shape == (n, victim.calm.rows.shape[1]), name
            assert calls.status is None or len(calls.status) == n, name
            assert ((calls.rows >= 0) & (calls.rows <= 1)).all(), name


def _of_series(name: str, n: int, seed: int = 1) -> np.ndarray:
    victim = _victim("numeric")
    found: np.ndarray = SERIES[name].habit(Ground.of(victim, victim.calm), np.random.default_rng(seed), n).rows
    return found


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("n", [1, 2, 37, 700])
def test_a_habit_of_series_gives_as_many_calls_as_asked_for(name: str, n: int) -> None:
    assert SERIES[name].habit.__doc__
    rows = _of_series(name, n)
    assert rows.shape == (n, 12)
    assert np.isfinite(rows).all()


def test_a_window_that_moves_on_holds_most_of_the_one_before() -> None:
    for seed in range(5):
        rows = _of_series("rolling", 30, seed)
        assert any(np.array_equal(rows[1:, : 12 - stride], rows[:-1, stride:]) for stride in range(1, 9))


def test_a_row_so_far_fills_from_the_left_until_it_is_whole() -> None:
    for seed in range(5):
        changed = np.diff(_of_series("so_far", 36, seed), axis=0)[:1] != 0
        at = np.flatnonzero(changed[0])
        assert at[0] == len(at) or len(at) == 12, "the next readings come after as many; or another row begins"
        assert (np.diff(at) == 1).all()


def test_what_is_lost_on_the_line_is_one_stretch_of_one_value() -> None:
    rows = _of_series("gaps", 200)
    alike = (np.diff(rows, axis=1) == 0).sum(axis=1)
    assert (alike > 0).mean() > 0.5
    assert alike.max() <= 11


def test_callers_of_a_model_have_its_own_habits_too() -> None:
    own = replace(_victim("numeric"), habits=SERIES)
    for victim, there in ((own, True), (_victim("numeric"), False)):
        found = {habit for habit, _ in callers(victim, 600, np.random.default_rng(4), later=False)}
        assert (set(SERIES) <= found) is there
        assert bool(set(SERIES) & found) is there


def test_values_go_missing_more_often_the_longer_a_source_fails() -> None:
    victim = _victim("numeric")
    rows = GROWING["failing_source"].habit(Ground.of(victim, victim.calm), np.random.default_rng(1), 600).rows
    assert (rows[:100] == 0).mean() < 0.2 < 0.6 < (rows[-100:] == 0).mean()


def test_habits_leave_the_rows_of_the_log_as_they_are(victim: Victim) -> None:
    before = victim.calm.rows.copy()
    ground = Ground.of(victim, victim.calm)
    for kind in habits(victim.spec.kind).values():
        kind.habit(ground, np.random.default_rng(3), 60)
    assert (victim.calm.rows == before).all()


def test_events_fit_the_schema_and_say_the_same_for_one_seed(victim: Victim) -> None:
    def made() -> pa.Table:
        rng = np.random.default_rng(5)
        found = callers(victim, 40, rng, later=False)
        return table(victim, [one for _, one in found], rng)

    events = made()
    assert all(EVENT_SCHEMA.field(field.name).type == field.type for field in events.schema)
    assert events.equals(made())
    moments = events["time"].cast(pa.int64()).to_numpy()
    assert (np.diff(moments) >= 0).all()
    told = np.array(events["status"]) < 400
    asks = np.isin(np.array(events["operation"].to_pylist()), ["predict", "explain"])
    labels = np.array([label is not None for label in events["label"].to_pylist()])
    assert (labels == (told & asks)).all()
    assert len(Counter(events["principal"].to_pylist())) == 40


def test_a_wrong_shape_is_logged_as_short_as_it_came() -> None:
    victim, rng = _victim("numeric"), np.random.default_rng(0)
    calls = Calls(victim.own.rows[:3], status=np.array([200, 400, 400]), length=np.array([-1, 5, 0]))
    events = table(victim, [part(calls, 1.0, 0.0, rng)], rng)
    assert [None if row is None else len(row) for row in events["input"].to_pylist()] == [12, 5, None]
    assert [row is None for row in events["scores"].to_pylist()] == [False, True, True]


def test_trees_in_arrays_answer_as_sklearn_does() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

    rng = np.random.default_rng(2)
    x = rng.random((400, 6)).astype(np.float32)
    for y in ((x[:, 0] > x[:, 1]).astype(np.int64), (x[:, 0] * 2.99).astype(np.int64)):
        plain: Any = HistGradientBoostingClassifier(random_state=1, early_stopping=False, max_iter=10).fit(x, y)
        assert np.allclose(boosted(x, y, 1, max_iter=10)(x), plain.predict_proba(x), atol=1e-5)
        wood: Any = RandomForestClassifier(random_state=1, n_estimators=5).fit(x, y)
        assert np.allclose(forest(x, y, 1, n_estimators=5)(x), wood.predict_proba(x), atol=1e-5)


def test_pictures_move_and_turn() -> None:
    picture = np.zeros((2, 64), np.float32)
    picture[:, 8 * 3 + 3] = 1
    moved = shifted(picture, 8, np.array([1, 0]), np.array([0, -2]))
    assert [int(row.argmax()) for row in moved] == [8 * 4 + 3, 8 * 3 + 1]
    same = turned(picture, 8, np.zeros(2), np.ones(2))
    assert np.allclose(same, picture, atol=0.01)
    assert int(turned(picture, 8, np.full(2, 180.0), np.ones(2))[0].argmax()) == 8 * 4 + 4
    assert photographed(picture, 8, np.random.default_rng(0)).shape == (2, 64)


def _oracle(budget: int = 10) -> Oracle:
    return Oracle(_victim("numeric"), budget, np.zeros(12, np.float32), np.ones(12, np.float32))


def test_the_budget_ends_and_every_answer_is_written_down() -> None:
    oracle = _oracle()
    with until_spent():
        for _ in range(100):
            oracle.ask(np.zeros((4, 12), np.float32))
    rows, scores = oracle.record()
    assert (len(rows), len(scores), oracle.asked) == (10, 10, 10)
    with pytest.raises(Spent):
        oracle.ask(np.zeros((1, 12), np.float32))


def test_a_search_by_labels_succeeds_at_half_its_first_distance() -> None:
    originals = np.zeros(12, np.float32)
    originals[0] = 0.4
    start = originals.copy()
    start[:2] = [0.7, 0.3]
    # The boundary lies at 0.5 of the first value: a third of the way, 0.1 * sqrt(2) from the prey.
    near, nearer = originals.copy(), originals.copy()
    near[:2], nearer[:2] = [0.51, 0.09], [0.501, 0.0]
    walk = np.stack([originals, start, near])
    oracle = _oracle()
    oracle.ask(walk)
    queries, share = nearest(oracle, originals, 0)
    assert (queries, round(share, 1)) == (None, 1.0)
    wide = Oracle(_victim("numeric"), 10, np.zeros(12, np.float32), np.ones(12, np.float32))
    start[:2] = [0.7, 0.9]
    wide.ask(np.stack([originals, start, nearer]))
    assert nearest(wide, originals, 0) == (3, pytest.approx(0.101 / np.hypot(0.1, 0.3), rel=0.02))
    nothing = _oracle()
    nothing.ask(walk[:1])
    assert nearest(nothing, originals, 0) == (None, 1.0)


def test_a_search_by_scores_succeeds_within_its_bound() -> None:
    originals = np.zeros(12, np.float32)
    originals[0] = 0.4
    walk = np.repeat(originals[None], 3, axis=0)
    walk[:, 0] = [0.45, 0.9, 0.6]
    oracle = _oracle()
    oracle.ask(walk)
    assert flipped(oracle, originals, 0, 2, 0.25) == (3, pytest.approx(0.2))
    assert flipped(oracle, originals, 0, 2, 0.1)[0] is None


def test_kappa_is_agreement_beyond_chance() -> None:
    one = np.array([0, 0, 1, 1])
    assert kappa(one, one) == 1
    assert kappa(one, np.array([0, 1, 0, 1])) == 0


def test_padding_keeps_the_attack_in_order_and_finds_its_success_again() -> None:
    victim, rng = _victim("numeric"), np.random.default_rng(4)
    rows = np.linspace(2, 3, 50, dtype=np.float32)[:, None].repeat(12, axis=1)
    found = mixed(Found(Calls(rows), "", 1.0, 30, victim.ask(rows)), Case(victim, rng))
    own = found.calls.rows[:, 0] >= 2
    assert (found.calls.rows[own] == rows).all()
    assert len(own) > 50
    assert found.queries is not None
    assert found.calls.rows[found.queries - 1, 0] == rows[29, 0]
    assert found.scores is not None
    assert np.allclose(found.scores, victim.ask(found.calls.rows))


QUICK = {
    "image": ("nes", "few_pixels", "surfree", "natural_extraction", "membership_threshold", "schema_probing"),
    "numeric": ("oars_square", "few_columns", "jbda", "path_finding", "range_probing", "flood"),
    "text": ("exchanged_words", "good_words", "natural_extraction", "membership_threshold", "sponge"),
}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Leave only attacks that take no time."""
    from bench.worlds.attacks import campaigns as module

    def of(kind: str) -> dict[str, Any]:
        known = attacks(kind)
        chosen = {name: known[name] for name in QUICK[kind]}
        monkeypatch.setattr(module, "attacks", lambda _: chosen)
        return chosen

    return of


def test_campaigns_tell_their_events_and_success(victim: Victim, few: Callable[[str], dict[str, Any]]) -> None:
    chosen = few(victim.spec.kind)
    # Fewer rows to copy from and to judge by: this asks whether it runs, not how well.
    small = replace(victim, fresh=Pool(victim.fresh.rows[:50], victim.fresh.labels[:50]))
    found = campaigns(small, np.random.default_rng(1), 1, (0.0, 28.0))
    assert {run.told["name"] for run in found} == set(chosen)
    for run in found:
        assert run.told["events"] == len(run.part.calls.rows) == len(run.part.times)
        assert run.told["succeeded"] == (run.told["queries_to_success"] is not None)
        if run.told["succeeded"]:
            assert 1 <= run.told["queries_to_success"] <= run.told["events"]
    events = table(small, [run.part for run in found], np.random.default_rng(0), by_time=False)
    assert events.num_rows == sum(run.told["events"] for run in found)


def test_attackers_hide_in_a_calibration(few: Callable[[str], dict[str, Any]]) -> None:
    few("numeric")
    found = cheap(_victim("numeric"), np.random.default_rng(2), 2, (0.0, 14.0))
    assert len({run.part.principal for run in found}) == 2


@pytest.mark.parametrize("kind", ["image", "numeric", "categorical", "text"])
def test_every_attack_says_where_it_is_from(kind: str) -> None:
    known = attacks(kind)
    assert len(known) >= 9
    assert all(attack.__doc__ for _, attack in known.values())
    assert {of for of, _ in known.values()} >= {"evasion", "extraction", "privacy", "probing"}


def test_logs_are_made_anew_only_where_what_they_depend_on_is_written_otherwise() -> None:
    names = {path.name for path in sources()}
    assert {"traffic.py", "populations.py", "of_tables.py", "campaigns.py", "credit.py", "world.py"} <= names
    assert not {"estimators.py", "harmful.py"} & names
