"""Somebody who has read the code of the search detector, and people who happen to do what a search does.

The attackers know the ring of 200 and the 288 entries behind it, what counts as near, and that a low after a low says
less. A linear model over 64 features answers all of them.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.events.input_search import FULL
from caponier.detect.similarity.nearest_query import RING
from caponier.detect.similarity.stays import ENTRIES
from detect.events.test_input_search import WIDTH, Asked, Model, augmenter, camera, course, plain

Floats = NDArray[np.float64]
Change = Callable[[np.random.Generator], Floats]
TWICE = 3 * FULL
"""The score at twice the benign reach."""


class Greedy:
    """Lowers the first answer's score around one image: keeps what lowers it, until the answer turns."""

    def __init__(self, model: Model, rng: np.random.Generator, image: Floats) -> None:
        self.model, self.rng, self.best = model, rng, image
        self.first, odds = model(image)
        self.least, self.won = abs(odds), False

    def step(self, change: Floats) -> None:
        label, odds = self.model(self.best + change)
        if label != self.first or abs(odds) < self.least:
            self.best, self.least = self.best + change, abs(odds)
        self.won = label != self.first


def image(rng: np.random.Generator) -> Floats:
    return rng.integers(0, 128, WIDTH).astype(float)


def sparse(features: int, size: float) -> Change:
    def change(rng: np.random.Generator) -> Floats:
        made = np.zeros(WIDTH)
        made[rng.choice(WIDTH, features, replace=False)] = rng.choice([-size, size], features)
        return made

    return change


def dense(size: float) -> Change:
    return lambda rng: rng.normal(0, size, WIDTH)


def square(rng: np.random.Generator) -> Floats:
    """A patch of eight by eight features, at one value."""
    made = np.zeros((8, 8))
    at, beside = rng.integers(0, 6, 2)
    made[at : at + 3, beside : beside + 3] = rng.choice([-15, 15])
    return made.ravel()


def one_after_the_other(change: Change, images: int = 8, tries: int = 60, seed: int = 5) -> Asked:
    rng, model = np.random.default_rng(seed), Model()
    for _ in range(images):
        one = Greedy(model, rng, image(rng))
        for _ in range(tries):
            if not one.won:
                one.step(change(rng))
    return model.asked


def round_robin(images: int, rounds: int, change: Change, padded: int = 0, shuffled: bool = False) -> Asked:
    """Go round many images, with so many ordinary inputs after each query."""
    rng, model = np.random.default_rng(6), Model()
    searches = [Greedy(model, rng, image(rng)) for _ in range(images)]
    for _ in range(rounds):
        for at in rng.permutation(images) if shuffled else range(images):
            if not searches[at].won:
                searches[at].step(change(rng))
                for _ in range(padded):
                    model(image(rng))
    return model.asked


def found_after(asked: Asked) -> int | None:
    scores = course(asked)
    return int(np.argmax(scores > TWICE)) if scores.max() > TWICE else None


STEPS = {
    "one feature, the least step there is": sparse(1, 1),
    "one feature": sparse(1, 20),
    "three features": sparse(3, 12),
    "a patch": square,
    "all, by less than half a unit": dense(0.45),
    "all, a little": dense(2),
    "all, much": dense(8),
}


@pytest.mark.parametrize("how", STEPS)
def test_no_size_of_step_hides_a_search(how: str) -> None:
    assert found_after(one_after_the_other(STEPS[how], tries=100)) is not None


@pytest.mark.parametrize("images", [4, 20, RING - 10, RING + 40])
@pytest.mark.parametrize("shuffled", [False, True])
def test_going_round_images_hides_nothing_on_this_side_of_what_is_kept(images: int, shuffled: bool) -> None:
    rounds = 100 if images < RING // 2 else 8
    assert images < ENTRIES
    assert found_after(round_robin(images, rounds, dense(3), shuffled=shuffled)) is not None


@pytest.mark.parametrize("padded", [1, 3, 9])
def test_ordinary_inputs_in_between_hide_no_sparse_steps(padded: int) -> None:
    assert found_after(round_robin(4, 40, sparse(2, 15), padded)) is not None


@pytest.mark.parametrize(("images", "padded"), [(4, 1), (4, 3), (8, 1), (20, 1), (8, 3), (8, 5), (20, 3)])
def test_ordinary_inputs_in_between_hide_no_dense_ones(images: int, padded: int) -> None:
    assert found_after(round_robin(images, 100, dense(3), padded)) is not None


@pytest.mark.parametrize("padded", [0, 1])
@pytest.mark.parametrize("images", [1, 8])
def test_coming_from_an_input_with_another_answer_hides_nothing(images: int, padded: int) -> None:
    """What is asked around each input begins with another answer, a few near steps before the search."""
    rng, model = np.random.default_rng(11), Model()
    searches: list[Greedy] = []
    while len(searches) < 16:
        begin, end = image(rng), image(rng)
        if Model()(begin)[0] != Model()(end)[0]:
            for share in np.linspace(0, 1, 6)[:-1]:
                model(begin + share * (end - begin))
            searches.append(Greedy(model, rng, end))
    for at in range(0, len(searches), images):
        for _ in range(60):
            for one in searches[at : at + images]:
                if not one.won:
                    one.step(dense(3)(rng))
                    for _ in range(padded):
                        model(image(rng))
    assert found_after(model.asked) is not None


@pytest.mark.parametrize("images", [1, 8, 20])
def test_who_goes_on_from_the_lowest_is_told_within_a_few_images(images: int) -> None:
    assert (found_after(round_robin(images, 100, dense(3))) or 10**6) < 20 * images + 60


def test_a_search_around_a_single_image_is_beyond_what_benign_callers_reach() -> None:
    """Some forty queries are not enough for more, and it is over then."""
    assert course(round_robin(1, 100, dense(3))).max() > FULL


def test_failing_on_purpose_after_each_success_hides_nothing() -> None:
    """A low right after a low counts less; whoever inserts a try that must fail makes each low a fresh one."""
    rng, model = np.random.default_rng(7), Model()
    for _ in range(8):
        one = Greedy(model, rng, image(rng))
        for _ in range(60):
            if not one.won:
                one.step(dense(3)(rng))
                model(one.best - 0.5 * rng.normal(0, 3, WIDTH))
    assert found_after(model.asked) is not None


def test_two_searches_in_one_account_are_told_as_one_is() -> None:
    def woven(parts: Iterable[Asked]) -> Iterator[tuple[list[int], int, int]]:
        for rows in zip(*(zip(*part, strict=True) for part in parts), strict=False):
            yield from rows

    parts = [one_after_the_other(dense(3), seed=seed) for seed in (5, 6)]
    mixed: Asked = tuple(map(list, zip(*woven(parts), strict=True)))  # type: ignore[assignment]
    assert found_after(mixed) is not None


def poller(seed: int, views: int = 5, rounds: int = 60) -> Asked:
    """Asks about the same few things again and again, hardly changed."""
    rng, model = np.random.default_rng(seed), Model()
    seen = [image(rng) for _ in range(views)]
    for _ in range(rounds):
        for view in seen:
            model(view + rng.normal(0, 1, WIDTH))
    return model.asked


def on_the_edge(seed: int, n: int = 200) -> Asked:
    """A camera whose view lies between two classes: every second answer is another."""
    rng, model = np.random.default_rng(seed), Model()
    weights = model._weights
    view = np.clip(image(rng), 20, 107)
    view -= ((view - 63.5) @ weights) / (weights @ weights) * weights
    for _ in range(n):
        model(view + rng.normal(0, 2, WIDTH))
    return model.asked


def many_cameras(seed: int, cameras: int = 250, rounds: int = 5) -> Asked:
    """One account sends the views of a whole site, one after the other."""
    rng, model = np.random.default_rng(seed), Model()
    views = [image(rng) for _ in range(cameras)]
    for _ in range(rounds):
        for view in views:
            model(view + rng.normal(0, 2, WIDTH))
    return model.asked


def brightening(seed: int, n: int = 90) -> Asked:
    rng, model = np.random.default_rng(seed), Model()
    view = image(rng) / 3
    for at in range(n):
        model(view * 1.004**at + rng.normal(0, 2, WIDTH))
    return model.asked


def saved_case(seed: int, cases: int = 12) -> Asked:
    """Saves a case, and tries changes of it, each time from what was saved."""
    rng, model = np.random.default_rng(seed), Model()
    for _ in range(cases):
        saved = image(rng)
        model(saved)
        for _ in range(9):
            model(saved + rng.normal(0, 4, WIDTH))
    return model.asked


def kept_changes(seed: int, cases: int = 12) -> Asked:
    """Changes a case again and again, and keeps or drops changes for reasons of its own."""
    rng, model = np.random.default_rng(seed), Model()
    for _ in range(cases):
        case = image(rng)
        for _ in range(12):
            new = case + rng.normal(0, 4, WIDTH)
            model(new)
            case = new if rng.random() < 0.5 else case
    return model.asked


BENIGN: dict[str, Callable[[int], Asked]] = {
    "plain": lambda seed: plain(seed, 400),
    "camera": lambda seed: camera(seed, 400),
    "dusk": lambda seed: camera(seed, 90, 0.004),
    "dawn": brightening,
    "augmenter": lambda seed: augmenter(seed, 80),
    "poller": poller,
    "on the edge": on_the_edge,
    "many cameras": many_cameras,
    "saved case": saved_case,
    "kept changes": kept_changes,
}


@pytest.mark.parametrize("habit", BENIGN)
def test_people_who_do_the_like_are_no_suspects(habit: str) -> None:
    highest = sorted(int(course(BENIGN[habit](seed)).max()) for seed in range(700, 706))
    assert highest[2] <= FULL
    assert highest[-1] <= 2 * FULL
