"""What a search is made of adds up over accounts; what many honest callers send of one picture does not."""

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Subject
from caponier.detect.events.distributed_query import ENOUGH, FEWEST_STEPS, FLIP, LEVELS, WINDOW, _around, detector
from detect.batches import batch_of, similar

RNG = np.random.default_rng(5)
WIDTH = 20


def cell_of_photos(n: int = 80, noise: int = 4) -> list[list[int]]:
    """Return photos of eight things, each with the noise of a sensor."""
    things = RNG.integers(20, 100, (8, WIDTH))
    photos = things[np.arange(n) % 8] + RNG.integers(-noise, noise + 1, (n, WIDTH))
    return [[int(value) for value in row] for row in photos]


BENIGN = similar(batch_of([cell_of_photos() for _ in range(9)]))
PARAMS = detector.fit(BENIGN)
LIMIT = float(PARAMS["cutoffs"][-1])


def scores_of(rows: list[list[int]], labels: list[int]) -> tuple[NDArray[np.int64], EventBatch]:
    batch = similar(batch_of([rows], [labels]))
    return detector.score(PARAMS, np.zeros(1, detector.state), batch)[1], batch


def steps(n: int) -> list[list[int]]:
    """Return queries each a unit away from the one before: far less than photos of one thing differ by."""
    begin = np.full(WIDTH, 60)
    return [[int(value) for value in begin + (np.arange(WIDTH) < k)] for k in range(n)]


def test_it_is_given_the_queries_of_all_callers() -> None:
    assert detector.subject is Subject.BUCKET


def test_the_limit_is_the_smallest_step_that_half_of_the_cells_see() -> None:
    smallest = [
        int(BENIGN.signals["squared"][start:end].min())
        for start, end in zip(BENIGN.offsets[:-1], BENIGN.offsets[1:], strict=True)
    ]
    assert float(np.median(smallest)) == LIMIT > 20


def test_a_few_cells_with_attackers_hardly_move_the_limit() -> None:
    cells = [cell_of_photos() for _ in range(9)]
    clean = detector.fit(similar(batch_of(cells)))["cutoffs"][-1]
    cells[0][40:60] = steps(20)
    cells[1][40:60] = steps(20)
    assert detector.fit(similar(batch_of(cells)))["cutoffs"][-1] >= 0.7 * clean


def test_cells_with_few_steps_do_not_speak_beside_fuller_ones() -> None:
    fuller = [cell_of_photos(FEWEST_STEPS + 30) for _ in range(3)]
    with_crumbs = [*fuller, *[steps(3)] * 20]
    assert detector.fit(similar(batch_of(with_crumbs)))["cutoffs"][-1] > 1


def test_where_benign_callers_step_by_nothing_no_step_is_small() -> None:
    nothing = similar(batch_of([steps(5)])).with_signals({"squared": np.zeros(5, np.int64)})
    params = detector.fit(nothing)
    assert (params["cutoffs"] < 0).all()
    assert not detector.score(params, np.zeros(1, detector.state), nothing)[1].any()


def test_small_steps_on_which_answers_flip_are_an_alarm_within_a_few() -> None:
    scores, _ = scores_of(steps(6), [1, 2, 1, 2, 1, 2])
    # A step of a unit, squared one, is closer than all levels of the limit; the first flip may be an accident.
    assert scores.tolist() == [0, 0, *((FLIP * LEVELS * k) ** 2 for k in range(2, 6))]
    assert scores[2] > detector.floor


def test_a_picture_that_goes_round_is_none() -> None:
    scores, _ = scores_of(steps(20), [1] * 20)
    assert not scores.any()


def test_steps_without_flips_at_most_double_those_with_some() -> None:
    scores, _ = scores_of(steps(20), [1] * 18 + [2, 1])
    assert scores[-1] == (2 * FLIP * (2 * LEVELS)) ** 2
    assert not scores[:-1].any()


def test_whoever_asks_next_sets_off_nothing() -> None:
    others = cell_of_photos(10)
    scores, _ = scores_of(steps(10) + others, [1, 2] * 5 + [3] * 10)
    assert scores[9] > detector.floor
    assert not scores[10:].any()


def test_what_others_ask_in_between_does_not_hide_it_until_the_window_ends() -> None:
    search, labels = steps(12), [1, 2] * 6
    others = cell_of_photos(12 * 20)
    for between, seen in ((4, True), (WINDOW + 4, False)):
        rows: list[list[int]] = []
        answers: list[int] = []
        for k, (row, label) in enumerate(zip(search, labels, strict=True)):
            rows += [row, *(others[(k * between + j) % len(others)] for j in range(between))]
            answers += [label, *[3] * between]
        scores, _ = scores_of(rows, answers)
        assert bool(scores.max() > detector.floor) is seen


def test_benign_cells_score_next_to_nothing() -> None:
    rows = cell_of_photos(200)
    scores, _ = scores_of(rows, [1 + k % 8 for k in range(200)])
    assert scores.max() < (ENOUGH / 2) ** 2


def test_it_names_the_search_and_nobody_who_asks_elsewhere() -> None:
    photos = cell_of_photos(18)
    rows = [row for pair in zip(steps(18), photos, strict=True) for row in pair]
    labels = [label for k in range(18) for label in (1 + k % 2, 5)]
    _, batch = scores_of(rows, labels)
    queries, _ = batch.queries()
    said = detector.explain(PARAMS, queries)
    assert said.rows.tolist() == list(range(0, 36, 2))
    assert said.facts == {"small_steps": 17, "flips": 17, "window": 36}


def test_a_search_is_followed_from_step_to_step_to_both_its_ends_and_no_farther() -> None:
    places = [0, 3, 6, 9, 12, 40, 43]
    queries, begin = np.array([[place, 0] for place in places], np.uint8), np.zeros(len(places), bool)
    begin[2] = True
    found = _around(begin, queries, np.full(len(places), 9.0))
    assert np.flatnonzero(found).tolist() == [0, 1, 2, 3, 4]
    assert not _around(np.zeros(len(places), bool), queries, np.full(len(places), 9.0)).any()


def test_a_camera_beside_the_search_is_not_named() -> None:
    still = [[row[0] + 30, *row[1:]] for row in steps(10)]
    rows = still + steps(10)
    _, batch = scores_of(rows, [7] * 10 + [1, 2] * 5)
    said = detector.explain(PARAMS, batch.queries()[0])
    assert said.facts["small_steps"] > said.facts["flips"]
    assert said.rows.tolist() == list(range(10, 20))


WORDS = 60


def texts(n: int, words: int) -> list[list[int]]:
    """Return texts as features, one a word: each text holds some words, each of them 16."""
    return [(16 * (RNG.permutation(WORDS) < words)).tolist() for _ in range(n)]


def words_apart(n: int) -> list[list[int]]:
    """Return n texts of a word each, no two of the same."""
    return (16 * np.eye(WORDS, dtype=np.int64)[::-1][:n]).tolist()  # type: ignore[no-any-return]


def edited(text: list[int]) -> list[int]:
    """Return the text with one word in another's place."""
    row = np.array(text)
    row[[RNG.choice(np.flatnonzero(row)), RNG.choice(np.flatnonzero(row == 0))]] = 0, 16
    return [int(value) for value in row]


def mails_and_chats(chats: int = 1) -> list[list[list[int]]]:
    """Return cells of long texts, of which some are drafts of earlier ones, and cells of a word or two."""
    long = [[*(mails := texts(40, 30)), *map(edited, mails)] for _ in range(8)]
    return long + [texts(80, 1) + texts(80, 2) for _ in range(chats)]


class TestStepsThatAreSmallByThemselvesAndNotAsAPart:
    """Two texts of a word each are nearer to each other than two drafts of a mail, and have nothing in common."""

    PARAMS = detector.fit(similar(batch_of(mails_and_chats())))

    def told(self, rows: list[list[int]], labels: list[int]) -> int:
        batch = similar(batch_of([rows], [labels]))
        return int(detector.score(self.PARAMS, np.zeros(1, detector.state), batch)[1].max())

    def test_the_part_is_what_half_of_the_cells_see_as_their_smallest(self) -> None:
        part, limit = float(self.PARAMS["part"][0]), float(self.PARAMS["cutoffs"][-1])
        assert limit == 2 * 16**2
        # One of thirty words went and one came.
        assert 2 / 31 <= part <= 2 / 29

    def test_short_texts_that_differ_in_all_they_hold_are_no_steps(self) -> None:
        chat = words_apart(WORDS)
        asked = similar(batch_of([chat]))
        assert (asked.signals["squared"][1:] <= self.PARAMS["cutoffs"][-1]).all()
        assert self.told(chat, [1 + k % 2 for k in range(WORDS)]) == 0

    def test_a_search_over_a_long_text_is_told_as_before(self) -> None:
        begin = texts(1, 30)[0]
        walk = [[value + (at < k) for at, value in enumerate(begin)] for k in range(8)]
        assert self.told(walk, [1 + k % 2 for k in range(8)]) > detector.floor

    def test_whoever_chats_beside_a_search_is_not_named(self) -> None:
        begin = [16, 16] + [0] * (WORDS - 2)
        walk = [[value + (at < k) for at, value in enumerate(begin)] for k in range(10)]
        rows = [row for pair in zip(walk, words_apart(10), strict=True) for row in pair]
        batch = similar(batch_of([rows], [[label for k in range(10) for label in (1 + k % 2, 5)]]))
        said = detector.explain(self.PARAMS, batch.queries()[0])
        assert set(said.rows.tolist()) <= set(range(0, 20, 2))

    def test_a_text_without_anything_known_is_near_to_nothing_but_itself(self) -> None:
        nothing = [0] * WORDS
        assert self.told([nothing, *words_apart(30), nothing], [1, 2] * 16) == 0

    def test_a_cell_with_an_attacker_in_it_hardly_moves_the_part(self) -> None:
        cells = mails_and_chats()
        begin = cells[0][0]
        cells[0][40:60] = [[value + (at < k) for at, value in enumerate(begin)] for k in range(20)]
        part = float(detector.fit(similar(batch_of(cells)))["part"][0])
        assert part >= 0.9 * float(self.PARAMS["part"][0])

    def test_without_a_baseline_a_step_is_held_against_its_width_alone(self) -> None:
        params, _ = detector.priors()
        assert "part" not in params


def test_with_too_few_cells_to_rank_by_it_asks_for_four_times_as_much() -> None:
    params, line = detector.priors()
    assert line == 4**2 * detector.floor == (4 * ENOUGH) ** 2
    batch = similar(batch_of([steps(12)], [[1, 2] * 6]))
    scores = detector.score(params, np.zeros(1, detector.state), batch)[1]
    assert scores.max() > line
    # Half a quantised unit a feature: five squared, over twenty of them.
    wide = similar(batch_of([[[60] * WIDTH, [60 + 3 * (k == 0) for k in range(WIDTH)]]], [[1, 2]]))
    assert not detector.score(params, np.zeros(1, detector.state), wide)[1].any()
