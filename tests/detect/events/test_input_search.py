"""A linear model is asked by benign callers and by those who search; what they score is held side by side."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Params
from caponier.detect.events.input_search import (
    BEFORE,
    FULL,
    KINDS,
    LEVELS,
    QUARTERS,
    _lines,
    _near,
    _sparse,
    _tries,
    detector,
)
from caponier.detect.registry import event_detectors
from caponier.detect.similarity import nearest_query
from caponier.detect.similarity.changes import RIGHT
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.similarity.stays import MANY, Followed
from caponier.engines.columns import SURE
from detect.batches import batch_of

WIDTH = 64
Asked = tuple[list[list[int]], list[int], list[int]]
"""Queries, labels and sureness of one caller."""


class Model:
    """Two classes by a plane; it counts nothing and remembers what it was asked."""

    def __init__(self, seed: int = 0) -> None:
        self._weights = np.random.default_rng(seed).normal(size=WIDTH)
        self.asked: Asked = ([], [], [])

    def __call__(self, row: NDArray[np.float64]) -> tuple[int, float]:
        """Answer a row of 0 to 127 with a label and the odds of the first class; others see the label's sureness."""
        whole = np.clip(np.rint(row), 0, 127)
        odds = float((whole - 63.5) @ self._weights) / 40
        label = 1 if odds >= 0 else 2
        queries, labels, sure = self.asked
        queries.append(whole.astype(int).tolist())
        labels.append(label << 60)
        sure.append(round(32_768 + 500 * min(abs(odds), 40)))
        return label, odds


def _image(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(rng.integers(0, 128, WIDTH), np.float64)


def plain(seed: int, n: int = 60) -> Asked:
    rng, model = np.random.default_rng(seed), Model()
    for _ in range(n):
        model(_image(rng))
    return model.asked


def camera(seed: int, n: int = 90, dusk: float = 0.0) -> Asked:
    """A fixed view with noise, that grows darker by `dusk` a picture."""
    rng, model = np.random.default_rng(seed), Model()
    view = _image(rng)
    for at in range(n):
        model(view * (1 - dusk) ** at + rng.normal(0, 2, WIDTH))
    return model.asked


def augmenter(seed: int, n: int = 20) -> Asked:
    rng, model = np.random.default_rng(seed), Model()
    for _ in range(n):
        row = _image(rng)
        for _ in range(4):
            model(row + rng.normal(0, 9, WIDTH))
    return model.asked


class _Search:
    """Tries changes of one image, and keeps what lowers the first answer's score."""

    def __init__(self, model: Model, rng: np.random.Generator) -> None:
        self.model, self.rng, self.best = model, rng, _image(rng)
        self.first, odds = model(self.best)
        self.sign, self.least = np.sign(odds), abs(odds)
        self.won = False

    def tries(self, change: NDArray[np.float64]) -> None:
        label, odds = self.model(self.best + change)
        if label != self.first or odds * self.sign < self.least:
            self.best, self.least = self.best + change, odds * self.sign
        self.won = label != self.first


def _one_pixel(rng: np.random.Generator) -> NDArray[np.float64]:
    change = np.zeros(WIDTH)
    change[rng.integers(WIDTH)] = rng.choice([-20, 20])
    return change


def _three_lively(rng: np.random.Generator) -> NDArray[np.float64]:
    """Up to a fifth of the range in three of the features that always vary."""
    change = np.zeros(WIDTH)
    change[rng.choice(40, 3, replace=False)] = rng.uniform(-25, 25, 3)
    return change


def _all_noise(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(rng.normal(0, 4, WIDTH))


def search(change: Callable[[np.random.Generator], NDArray[np.float64]], images: int = 10, most: int = 60) -> Asked:
    """Take one image after the other."""
    rng, model = np.random.default_rng(5), Model()
    for _ in range(images):
        one = _Search(model, rng)
        for _ in range(most):
            if not one.won:
                one.tries(change(rng))
    return model.asked


def round_robin(images: int = 280, rounds: int = 8) -> Asked:
    rng, model = np.random.default_rng(5), Model()
    searches = [_Search(model, rng) for _ in range(images)]
    for _ in range(rounds):
        for one in searches:
            if not one.won:
                one.tries(_three_lively(rng))
    return model.asked


def events(callers: list[Asked], told: bool = True) -> EventBatch:
    batch = batch_of([one[0] for one in callers], [one[1] for one in callers])
    batch = nearest_query.add_signals(
        np.zeros(len(callers), nearest_query.state_dtype(WIDTH)), batch, np.zeros(0, np.int64)
    ).batch
    sure = np.array([value for one in callers for value in one[2]], np.int64)
    return batch.with_signals({Column.SURENESS.value: sure}) if told else batch


def benign_callers() -> list[Asked]:
    callers = [plain(seed, 20 + 7 * (seed % 20)) for seed in range(60)] + [camera(seed) for seed in range(60, 76)]
    callers += [camera(seed, 60, 0.004) for seed in range(76, 84)] + [augmenter(seed) for seed in range(84, 100)]
    return callers


@cache
def knowing() -> Params:
    return detector.fit(events(benign_callers()))


def course(asked: Asked, told: bool = True) -> NDArray[np.int64]:
    return detector.score(knowing(), np.zeros(1, detector.state), events([asked], told))[1]


def test_benign_callers_hardly_come_above_their_own_reach() -> None:
    others = [plain(seed, 150) for seed in range(100, 130)] + [camera(seed) for seed in range(130, 145)]
    others += [camera(seed, 60, 0.004) for seed in range(145, 150)] + [augmenter(seed) for seed in range(150, 160)]
    highest = [int(course(one).max()) for one in others]
    assert np.quantile(highest, 0.9) <= FULL
    assert max(highest) <= 2 * FULL


@pytest.mark.parametrize("change", [_one_pixel, _three_lively, _all_noise])
def test_a_search_by_scores_is_told_however_it_steps(change: Callable[..., Any]) -> None:
    scores = course(search(change))
    assert scores.max() > 3 * FULL
    assert np.argmax(scores > FULL) < 60


def test_hundreds_of_images_in_a_round_are_told_before_a_tenth_of_them_is_fooled() -> None:
    """The ring of 200 has forgotten each image when its turn comes again."""
    asked = round_robin()
    scores = course(asked)
    assert scores.max() > 3 * FULL
    found = int(np.argmax(scores > FULL))
    first = dict(zip(map(tuple, asked[0][:280]), asked[1][:280], strict=True))
    base = np.array(list(first))
    fooled = {
        int(np.square(base - row).sum(axis=1).argmin())
        for row, label in zip(asked[0][280:found], asked[1][280:found], strict=True)
        if label != asked[1][int(np.square(base - row).sum(axis=1).argmin())]
    }
    assert len(fooled) < 28


def test_ordinary_inputs_in_between_hide_nothing() -> None:
    queries, labels, sure = search(_three_lively, images=8)
    other = plain(999, 2 * len(queries))
    mixed: Asked = ([], [], [])
    for at in range(len(queries)):
        for column, own, honest in zip(mixed, (queries, labels, sure), other, strict=True):
            column.extend([*honest[2 * at : 2 * at + 2], own[at]])
    assert course(mixed).max() > 3 * FULL


def test_without_scores_it_counts_answers_that_turn_after_many_tries() -> None:
    rng, model = np.random.default_rng(2), Model()
    for _ in range(12):
        # Samples farther and farther from an image, until one of them is answered otherwise.
        row = _image(rng)
        first, _ = model(row)
        for at in range(60):
            label, _ = model(row + rng.normal(0, 3 + 0.5 * at, WIDTH))
            if label != first:
                break
    queries, labels, sure = model.asked
    blind = detector.fit(events(benign_callers(), told=False))
    scores = detector.score(blind, np.zeros(1, detector.state), events([(queries, labels, sure)], told=False))[1]
    assert scores.max() > FULL
    honest = detector.score(blind, np.zeros(1, detector.state), events([augmenter(400)], told=False))[1]
    assert honest.max() <= FULL


def test_what_a_regression_answers_is_a_score_and_no_class() -> None:
    """Each answer differs from all others; a search brings the number down."""

    def numbered(callers: list[Asked]) -> EventBatch:
        batch = events(callers)
        return replace(batch, label=np.arange(1, len(batch) + 1, dtype=np.uint64))

    params = detector.fit(numbered(benign_callers()))
    assert not params["classes"][0]
    blank = np.zeros(1, detector.state)
    assert detector.score(params, blank, numbered([search(_all_noise)]))[1].max() > 3 * FULL
    assert detector.score(params, blank, numbered([plain(500, 90)]))[1].max() <= FULL
    assert detector.score(params, blank, numbered([augmenter(501)]))[1].max() <= FULL


class TestSparse:
    def test_three_lively_features_give_a_search_away_within_one_input(self) -> None:
        """Each step is as long as a camera's noise, which always moves all of them."""
        scores = course(search(_three_lively, images=1), told=False)
        assert 2 <= int(np.argmax(scores > FULL)) < 20

    def test_where_benign_clients_fill_in_field_after_field_it_says_nothing(self) -> None:
        def edits(seed: int) -> Asked:
            rng, model = np.random.default_rng(seed), Model()
            row = _image(rng)
            for _ in range(30):
                row = row + _one_pixel(rng)
                model(row)
            return model.asked

        params = detector.fit(
            events([*(plain(seed) for seed in range(60)), *(edits(seed) for seed in range(9))], False)
        )
        assert params["sparse"].max() < 1
        assert detector.score(params, np.zeros(1, detector.state), events([edits(99)], told=False))[1].max() <= FULL

    def test_one_sparse_caller_in_a_hundred_teaches_nothing(self) -> None:
        hidden = detector.fit(events([*benign_callers(), search(_one_pixel)]))
        assert hidden["sparse"][0] > 3

    def test_nobody_tells_nothing(self) -> None:
        assert not _sparse(events([plain(1, 1)]).queries()[0]).any()


def test_a_score_of_the_only_answer_is_enough() -> None:
    """Where just the first answer and its score are logged: that is all that is ever read."""
    assert detector.columns == {Column.SURENESS}
    assert SURE[0] < 32_768 < SURE[1]


def test_attackers_in_the_benign_log_do_not_hide_the_next() -> None:
    hidden = [*benign_callers(), search(_one_pixel)]
    params = detector.fit(events(hidden))
    scores = detector.score(params, np.zeros(1, detector.state), events([search(_three_lively)]))[1]
    assert scores.max() > 3 * FULL


def test_views_that_grow_dark_say_how_many_lows_are_benign_and_a_hidden_search_does_not() -> None:
    """Where it grows dark so slowly that the next picture is near to any of the last ones: faster, it is a walk."""
    usual = [*(plain(seed) for seed in range(60)), *(camera(seed) for seed in range(60, 76))]
    dusk = [*usual, *(camera(seed, 200, 0.002) for seed in range(76, 80))]
    steady, dark = detector.fit(events(usual)), detector.fit(events(dusk))
    hidden = detector.fit(events([*dusk, search(_all_noise, images=12)]))
    assert dark["reach"][0] > 1.5 * steady["reach"][0]
    assert hidden["reach"][0] == dark["reach"][0]


def swept(seed: int, n: int, tries: int, path: Callable[[NDArray[np.float64], int, int], NDArray[np.float64]]) -> Asked:
    """Ask `tries` variants of each of some images, along a path of (image, turn, try): the answers say nothing."""
    rng, model = np.random.default_rng(seed), Model()
    for turn in range(n // tries):
        row = _image(rng)
        for at in range(tries):
            row = path(row, turn, at) if at else row
            model(row)
    return model.asked


def slider(seed: int, n: int, tries: int) -> Asked:
    """One number of each row goes from low to high."""

    def step(row: NDArray[np.float64], turn: int, at: int) -> NDArray[np.float64]:
        column = (seed + turn) % WIDTH
        return np.where(np.arange(WIDTH) == column, 127 * at / tries, row)

    return swept(seed, n, tries, step)


def fields(seed: int, n: int, tries: int) -> Asked:
    """One field after the other is changed, and stays so."""
    chance = np.random.default_rng(seed)

    def step(row: NDArray[np.float64], turn: int, at: int) -> NDArray[np.float64]:
        return np.where(np.arange(WIDTH) == chance.integers(WIDTH), chance.uniform(0, 127), row)

    return swept(seed, n, tries, step)


def lighting(seed: int, n: int, tries: int) -> Asked:
    """A view grows lighter and lighter."""
    return swept(seed, n, tries, lambda row, _turn, at: np.minimum(127, row + 60 / tries))


class TestHeedless:
    """Clients who vary an input whatever the answers are: steps go on from the last try, though it did not help."""

    @pytest.mark.parametrize("habit", [slider, fields, lighting])
    @pytest.mark.parametrize(("n", "tries"), [(300, 12), (1_200, 24)])
    def test_a_path_that_no_answer_bends_is_no_search(
        self, habit: Callable[[int, int, int], Asked], n: int, tries: int
    ) -> None:
        highest = [int(course(habit(seed, n, tries)).max()) for seed in range(7_000, 7_004)]
        assert max(highest) < 3 * FULL

    def test_lows_of_a_sweep_finer_than_quantised_units_are_none(self) -> None:
        """Four steps of five come to lie where the last did, and the score falls at each."""
        rows = [[50 + at // 5, *[50] * (WIDTH - 1)] for at in range(60)]
        batch = replace(batch_of([rows], [[1 << 60] * 60]), key=np.arange(1, 61, dtype=np.uint64))
        empty = np.zeros(1, nearest_query.state_dtype(WIDTH))
        found = nearest_query.add_signals(empty, batch, np.zeros(0, np.int64)).batch
        falling = found.with_signals({Column.SURENESS.value: np.arange(60_000, 30_000, -500)})
        lows = detector._kinds(knowing(), np.zeros(1, detector.state), falling)[0][0]
        assert lows.max() < 1

    def test_a_search_on_such_paths_is_one(self) -> None:
        """It changes one field after the other, too, but goes back when that did not help."""
        assert course(search(_one_pixel, images=6)).max() > 3 * FULL

    @pytest.mark.parametrize("disguise", ["stone", "correlated", "metropolis"])
    def test_searches_that_look_like_walks_are_told_all_the_same(self, disguise: str) -> None:
        """By who has read this: a step to a place beside each try, tries that lean to the last, or no going back."""
        rng, model = np.random.default_rng(5), Model()
        for _ in range(10):
            one, change = _Search(model, rng), np.zeros(WIDTH)
            for _ in range(80):
                noise = _all_noise(rng)
                if one.won:
                    break
                if disguise == "stone":
                    model(one.best + noise + rng.normal(0, 0.7, WIDTH))
                    one.tries(noise)
                elif disguise == "correlated":
                    change = 0.7 * change + 0.7 * noise
                    least = one.least
                    one.tries(change)
                    change = change * (one.least == least)
                else:
                    least, best = one.least, one.best
                    one.tries(noise)
                    if one.least == least and rng.random() < 0.3:
                        one.best = best + noise
        assert course(model.asked).max() > 3 * FULL

    def test_walks_among_the_tries_hide_no_search(self) -> None:
        queries, labels, sure = search(_three_lively, images=8)
        walk = slider(7_100, len(queries), 40)
        mixed: Asked = ([], [], [])
        for at in range(len(walk[0])):
            for column, own, other in zip(mixed, (queries, labels, sure), walk, strict=True):
                column.extend([other[at], own[at]])
        assert course(mixed).max() > 3 * FULL


def bisection(seed: int, images: int = 4, halvings: int = 7) -> Asked:
    """Halve the way from each image to one that is answered otherwise."""
    rng, model = np.random.default_rng(seed), Model()
    for _ in range(images):
        row = _image(rng)
        first, _ = model(row)
        other = _image(rng)
        while model(other)[0] == first:
            other = _image(rng)
        for _ in range(halvings):
            middle = (row + other) / 2
            row, other = (middle, other) if model(middle)[0] == first else (row, middle)
    return model.asked


def pendulum(seed: int, n: int = 90, noise: float = 1.0) -> Asked:
    """Go to and fro between two views, by steps that hit other places each time."""
    rng, model = np.random.default_rng(seed), Model()
    one, other = _image(rng), _image(rng)
    for at in range(n):
        model(one + (other - one) * abs(at * 0.067 % 2 - 1) + rng.normal(0, noise, WIDTH))
    return model.asked


def slow_motion(seed: int, n: int = 90) -> Asked:
    """Frames are drawn between each two that were taken, and asked after these."""
    rng, model = np.random.default_rng(seed), Model()
    last = _image(rng)
    model(last)
    for _ in range(n // 2):
        frame = last + rng.normal(0, 9, WIDTH)
        model(frame)
        model((last + frame) / 2)
        last = frame
    return model.asked


def sensor(seed: int, n: int = 90) -> Asked:
    """Numbers that come round again and again."""
    rng, model = np.random.default_rng(seed), Model()
    mean, swing, late = 32 + _image(rng) / 2, rng.normal(0, 15, WIDTH), rng.uniform(0, 0.6, WIDTH)
    for at in range(n):
        model(mean + swing * np.sin(at / 3.77 + late) + rng.normal(0, 1, WIDTH))
    return model.asked


def clouds(seed: int) -> Asked:
    """A view in light that comes and goes."""
    rng, model = np.random.default_rng(seed), Model()
    view = 20 + _image(rng) / 2
    for at in range(90):
        model(view + 20 * np.sin(at / 3.77))
    return model.asked


def blending(seed: int) -> Asked:
    """Shares of two images, three for each pair."""
    rng, model = np.random.default_rng(seed), Model()
    for _ in range(18):
        one, other = _image(rng), _image(rng)
        for share in (0.0, 1.0, *rng.beta(2, 2, 3)):
            model(one + (other - one) * share)
    return model.asked


class TestLines:
    """Who halves the way between two inputs asks for what lies between them."""

    def of(self, asked: Asked, params: Params | None = None) -> float:
        """Return how many times the benign reach a caller's lines come to."""
        params = params or knowing()
        kinds, _ = detector._kinds(params, np.zeros(1, detector.state), events([asked], False).queries()[0])
        at = KINDS.index("lines")
        return float(kinds[at].max() / params["reach"][at])

    def test_halving_the_way_to_a_boundary_is_told_at_the_first_image(self) -> None:
        assert self.of(bisection(1, images=1)) > 3
        assert course(bisection(1), told=False).max() > 3 * FULL

    @pytest.mark.parametrize("habit", [plain, camera, augmenter, lambda seed: slider(seed, 300, 12)])
    def test_usual_callers_come_to_nothing(self, habit: Callable[[int], Asked]) -> None:
        assert max(self.of(habit(seed)) for seed in range(7_000, 7_004)) <= 1

    @pytest.mark.parametrize("habit", [pendulum, sensor, clouds, lambda seed: lighting(seed, 90, 24)])
    def test_lines_between_like_answers_are_none(self, habit: Callable[[int], Asked]) -> None:
        """Nobody taught it these; what comes and goes seldom crosses a boundary."""
        assert max(self.of(habit(seed)) for seed in range(7_000, 7_004)) <= 1

    @pytest.mark.parametrize("habit", [slow_motion, blending])
    def test_who_draws_lines_for_a_living_teaches_how_many_they_are(self, habit: Callable[[int], Asked]) -> None:
        """One in twelve benign callers is enough; without them they would be taken for searches."""
        params = detector.fit(events([*benign_callers(), *(habit(seed) for seed in range(300, 309))], False))
        learned = max(self.of(habit(seed), params) for seed in range(7_000, 7_004))
        assert learned < min(2, max(self.of(habit(seed)) for seed in range(7_000, 7_004)))

    def test_one_who_searches_among_the_benign_teaches_nothing(self) -> None:
        hidden = detector.fit(events([*benign_callers(), bisection(2)], False))
        assert self.of(bisection(1), hidden) > 3

    def test_light_that_comes_and_goes_takes_nothing_from_other_lines(self) -> None:
        lit = detector.fit(events([*benign_callers(), *(clouds(seed) for seed in range(300, 309))], False))
        assert lit["lines"][1][0] > knowing()["lines"][1][0]
        assert lit["lines"][0][0] <= knowing()["lines"][0][0]
        assert self.of(bisection(1), lit) > 3

    def test_nobody_tells_that_lines_begin_at_a_right_angle(self) -> None:
        levels = _lines(events([plain(1, 1)]).queries()[0])
        assert (levels[:, 0] > RIGHT).all()
        assert (np.diff(levels) >= 0).all()

    def test_a_sum_goes_on_where_a_batch_ends(self) -> None:
        queries = events([bisection(3)], False).queries()[0]
        whole, _ = detector._kinds(knowing(), np.zeros(1, detector.state), queries)
        first, kept = detector._kinds(knowing(), np.zeros(1, detector.state), queries.take(np.arange(20)))
        then, _ = detector._kinds(knowing(), kept, queries.take(np.arange(20, len(queries))))
        assert np.array_equal(np.concatenate([first[-1], then[-1]]), whole[-1])


def test_it_learns_the_same_in_whatever_order_callers_come() -> None:
    callers = benign_callers()
    one, other = detector.fit(events(callers)), detector.fit(events(callers[::-1]))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_finding_says_around_how_many_inputs() -> None:
    asked = tuple(column[-200:] for column in search(_one_pixel))
    told = detector.explain(knowing(), events([asked], told=False))
    assert told.facts["window"] == 200
    assert 2 <= told.facts["inputs"] <= 20
    assert told.facts["turned"] >= 1
    assert all(0 <= row < 200 for row in told.rows)


class TestNear:
    def test_callers_count_alike_however_much_they_ask(self) -> None:
        """One sensor that asks ten thousand times must not say what is near."""
        few = events([plain(seed) for seed in range(9)])
        many = events([*(plain(seed) for seed in range(9)), camera(99, 900)])
        assert _near(many.queries()[0])[0] > 0.7 * _near(few.queries()[0])[0]

    def test_nobody_tells_nothing(self) -> None:
        none = EventBatch.empty(3).with_signals({"squared": np.zeros(0, np.int64)})
        assert _near(none).tolist() == [0]

    def test_the_first_query_of_each_says_nothing(self) -> None:
        batch = events([plain(1, 1), plain(2, 1)])
        assert batch.signals["squared"].tolist() == [FAR, FAR]
        assert _near(batch.queries()[0])[0] > 0


class TestTries:
    def _of(self, visits: list[int], subjects: int = 1) -> NDArray[np.int64]:
        n = len(visits)
        none = np.zeros(n, bool)
        turned = np.ones(n, bool)
        told = Followed(np.arange(n), np.array(visits, np.int64), *(none,) * 3, turned, *(none,) * 6)
        batch = batch_of([[[at % 100]] * (n // subjects) for at in range(subjects)])
        return _tries(told, batch)

    def test_a_further_bit_is_half_of_the_benign_wins(self) -> None:
        levels = self._of(np.arange(1, 9).repeat(500).tolist(), subjects=500)
        assert levels[3] in (4, 5)
        assert levels[7] in (6, 7)
        assert (np.diff(levels) >= 0).all()
        assert len(levels) == LEVELS

    def test_where_nobody_won_tries_double_for_each_bit(self) -> None:
        levels = self._of([])
        assert levels[3] <= 3
        assert levels[11] <= max(BEFORE) + 1
        assert levels[-1] == np.iinfo(np.int64).max

    def test_one_who_wins_all_day_is_not_what_all_are_like(self) -> None:
        often = self._of([MANY] * 900)
        assert often[3] <= MANY
        assert self._of([3] * 100, subjects=100)[7] < MANY

    def test_late_turns_are_told_by_the_stays_that_come_so_far(self) -> None:
        """As many turn late among those that go on, whether others are cut off before or not."""
        whole = self._stays([(2, True)] * 60 + [(40, True)] * 60)
        cut = self._stays([(2, True)] * 60 + [(40, True)] * 6 + [(3, False)] * 54)
        assert _tries(*cut)[7] == _tries(*whole)[7] == 41
        late = np.flatnonzero(_tries(*cut) <= 40)[-1]
        naive = self._of([2] * 60 + [40] * 6, subjects=66)
        assert np.flatnonzero(naive <= 40)[-1] > late + QUARTERS

    def test_stays_without_a_turn_alone_say_no_more_than_nobody(self) -> None:
        assert np.array_equal(_tries(*self._stays([(30, False)] * 50)), self._of([]))

    def _stays(self, stays: list[tuple[int, bool]]) -> tuple[Followed, EventBatch]:
        """Let each caller have one stay of so many visits, at whose last the answer turns or not."""
        length, turns = np.array([n for n, _ in stays]), np.array([turned for _, turned in stays])
        visit = np.concatenate([np.arange(1, n + 1) for n in length])
        turned = np.zeros(len(visit), bool)
        turned[length.cumsum() - 1] = turns
        none = np.zeros(len(visit), bool)
        told = Followed(np.arange(len(stays)).repeat(length), visit, *(none,) * 3, turned, *(none,) * 6)
        return told, batch_of([[[at % 100]] * n for at, n in enumerate(length.tolist())])


def test_all_that_is_kept_of_a_caller_fits_into_64_kilobytes() -> None:
    """At 196 features, with every detector there is."""
    kept = nearest_query.state_dtype(196).itemsize
    kept += sum(one.state.itemsize for one in event_detectors().values() if one.subject.value == "principal")
    assert kept <= 64 * 1024
