"""What most likely would stand where a feature is missing."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.events import novelty, score_climb
from caponier.detect.rarity.dependence_tree import common_tree, fit_tree, surprise_of
from caponier.detect.rarity.likely_values import CELLS, UNKNOWN, fit_likely, likely, medians, missing, without_fillers
from caponier.telemetry.features import MARK
from detect.batches import batch_of, scores, similar

Rng = np.random.Generator
NONE = np.zeros((0, 0), np.bool_)


def pairs(n: int = 600, seed: int = 0) -> NDArray[np.uint8]:
    """Draw rows of two features that go together, low or high and hardly ever between, and of one that stays high."""
    rng = np.random.default_rng(seed)
    level = rng.choice([20, 110], n)
    rows = np.stack([level, level, np.full(n, 120)], axis=1) + rng.integers(-6, 7, (n, 3))
    return rows.astype(np.uint8)


def marked(rows: NDArray[np.uint8], gone: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(gone, UNKNOWN + MARK, rows).astype(np.uint8)


def asked(rows: NDArray[np.uint8], callers: int = 10) -> EventBatch:
    return similar(batch_of([part.tolist() for part in np.array_split(rows, callers)]))


def learned(rows: NDArray[np.uint8], gone: NDArray[np.bool_] = NONE) -> Params:
    parents = fit_tree(rows)["parents"]
    return {"parents": parents, **fit_likely(rows, gone, parents)}


class TestMissing:
    def test_a_batch_tells_which_features_are_missing(self) -> None:
        rows, gone = pairs(30), np.random.default_rng(1).random((30, 3)) < 0.4
        batch = asked(marked(rows, gone), 1)
        assert (missing(batch)[batch.signals["unique"]] == gone[batch.signals["unique"]]).all()
        assert (batch.query < MARK).all()

    def test_where_nothing_is_missing_it_says_so_without_a_column(self) -> None:
        batch = asked(pairs(30))
        assert missing(batch).shape == (30, 0)
        assert missing(replace(batch, signals={})).shape == (30, 0)
        assert missing(EventBatch.empty(3)).shape == (0, 0)


class TestLearning:
    def test_medians_are_those_of_what_is_there(self) -> None:
        rows = np.array([[1, 9], [3, 9], [5, 9], [127, 9]], np.uint8)
        assert medians(rows, np.zeros((4, 0), np.bool_)).tolist() == [3, 9]
        gone = np.array([[False, True], [True, True], [False, True], [False, True]])
        assert medians(rows, gone).tolist() == [5, UNKNOWN]

    def test_a_feature_is_told_by_its_neighbour_and_is_a_value_that_there_is(self) -> None:
        params = learned(pairs())
        child = int(np.flatnonzero(params["parents"] >= 0)[0])
        for held in (20, 110):
            assert abs(int(params["below"][child, held >> 4]) - held) <= 6
            assert abs(int(params["above"][child, held >> 4]) - held) <= 6

    def test_beside_what_was_never_seen_stands_the_median(self) -> None:
        params = learned(pairs())
        assert params["below"][1, 64 >> 4] == params["alone"][1]
        assert params["above"].shape == params["below"].shape == (3, CELLS)

    def test_the_order_of_rows_does_not_matter(self) -> None:
        rows, gone = pairs(), np.random.default_rng(3).random((600, 3)) < 0.2
        turned = np.random.default_rng(4).permutation(600)
        parents = np.array([-1, 0, 1])
        one, other = fit_likely(rows, gone, parents), fit_likely(rows[turned], gone[turned], parents)
        assert all((one[name] == other[name]).all() for name in one)

    @pytest.mark.parametrize("width", [1, 3])
    def test_no_rows_are_enough(self, width: int) -> None:
        nobody = EventBatch.empty(width)
        _, params = common_tree(replace(nobody, signals={"missing": np.zeros((0, (width + 7) // 8), np.uint8)}))
        assert params["alone"].tolist() == [UNKNOWN] * width


class TestLikely:
    def test_what_is_there_stays_and_what_is_missing_is_filled_by_its_neighbour(self) -> None:
        params, rng = learned(pairs()), np.random.default_rng(5)
        rows = pairs(200, seed=6)
        gone = np.stack([rng.random(200) < 0.5, np.zeros(200, bool), rng.random(200) < 0.5], axis=1)
        batch = asked(marked(rows, gone), 1)
        found = likely(params, batch).astype(int)
        there = ~missing(batch)
        assert (found[there] == batch.query[there]).all()
        assert np.abs(found[:, 0] - found[:, 1]).max() <= 12
        assert np.abs(found[:, 2] - 120).max() <= 6

    def test_a_parent_is_told_by_its_child_and_a_row_without_anything_by_the_medians(self) -> None:
        params = {"parents": np.array([-1, 0, 1]), **fit_likely(pairs(), NONE, np.array([-1, 0, 1]))}
        low = np.array([[UNKNOWN, 20, UNKNOWN], [UNKNOWN] * 3], np.uint8)
        batch = asked(marked(low, low == UNKNOWN), 1)
        found = likely(params, batch).astype(int)
        assert np.abs(found[0, :2] - 20).max() <= 6
        assert found[1, 0] == params["alone"][0]
        assert abs(found[1, 1] - found[1, 0]) <= 12

    def test_without_gaps_or_with_a_baseline_of_before_the_rows_are_the_same_array(self) -> None:
        batch = asked(pairs(30))
        assert likely(learned(pairs()), batch) is batch.query
        gaps = asked(marked(pairs(30), np.eye(3, dtype=bool)[np.arange(30) % 3]))
        assert likely({}, gaps) is gaps.query

    def test_each_row_is_filled_by_itself(self) -> None:
        rows, gone = pairs(60, seed=8), np.random.default_rng(9).random((60, 3)) < 0.5
        batch, params = asked(marked(rows, gone), 1), learned(pairs())
        whole = likely(params, batch)
        for row in range(0, 60, 7):
            assert (likely(params, batch.take(np.array([row])))[0] == whole[row]).all()


class TestDetectors:
    def test_missing_features_are_no_surprise_to_a_tree_that_learned_from_whole_rows(self) -> None:
        _, tree = common_tree(asked(pairs()))
        rows = marked(pairs(200, seed=2), np.eye(3, dtype=bool)[np.arange(200) % 3])
        batch = asked(rows)
        usual = np.quantile(surprise_of(tree, pairs()), 0.99)
        assert (surprise_of(tree, likely(tree, batch)) > usual).mean() <= 0.01
        assert (surprise_of(tree, batch.query) > usual).mean() > 0.6

    def test_gaps_in_the_benign_log_do_not_make_the_foreign_common(self) -> None:
        rng = np.random.default_rng(11)
        gone = rng.random((600, 3)) < np.repeat(rng.random(10) < 0.3, 60)[:, None] * 0.5
        foreign = [rng.integers(0, 127, (40, 3)).tolist()]
        plain, gaps = (
            scores(novelty.detector, novelty.detector.fit(asked(marked(pairs(), lost))), batch_of(foreign)).max()
            for lost in (np.zeros_like(gone), gone)
        )
        assert gaps >= 0.8 * plain > novelty.detector.floor

    def test_who_lacks_features_is_not_foreign_and_who_sends_noise_is_whatever_is_left_out(self) -> None:
        rng = np.random.default_rng(12)
        for detector in (novelty.detector, score_climb.detector):
            params = detector.fit(asked(pairs()))
            gone = rng.random((40, 3)) < 0.4
            benign = marked(pairs(40, seed=13), gone)
            assert scores(detector, params, batch_of([benign.tolist()])).max() <= detector.floor // 2
        noise = np.stack([rng.integers(0, 40, 40), rng.integers(80, 127, 40), rng.integers(0, 127, 40)], axis=1)
        third = np.zeros((40, 3), bool)
        third[::2, 2] = True
        found = scores(
            novelty.detector, novelty.detector.fit(asked(pairs())), batch_of([marked(noise, third).tolist()])
        )
        assert found.max() > novelty.detector.floor


class TestFillers:
    """One and the same value stands for all that is missing, in rows that go together otherwise."""

    @staticmethod
    def together(n: int, seed: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng(seed)
        level = rng.integers(20, 110, (n, 1))
        return np.clip(level + rng.integers(-3, 4, (n, 12)), 0, 127).astype(np.uint8)

    @pytest.mark.parametrize("filler", [0, 64])
    def test_who_fills_gaps_is_foreign_by_a_part_of_what_the_fillers_are(self, filler: int) -> None:
        rng, rows = np.random.default_rng(21), self.together(60, 22)
        params = novelty.detector.fit(asked(self.together(3_000, 20)))
        filled = np.where(rng.random(rows.shape) < 0.6, filler, rows)
        batch = similar(batch_of([filled.tolist()]))
        known, unknown = (
            novelty.detector.score(params, np.zeros(1, novelty.detector.state), one)[1].max()
            for one in (batch, replace(batch, signals={**batch.signals, "standing": batch.signals["standing"] * 0}))
        )
        assert known < 0.3 * unknown

    def test_steps_of_a_search_that_leave_most_as_it_was_are_as_foreign_as_before(self) -> None:
        rng = np.random.default_rng(23)
        params = novelty.detector.fit(asked(self.together(3_000, 20)))
        base = rng.integers(0, 128, 12)
        steps = np.repeat(base[None], 40, axis=0)
        steps[np.arange(40), np.arange(40) % 12] = np.clip(
            steps[np.arange(40), np.arange(40) % 12] + rng.integers(-9, 10, 40), 0, 127
        )
        batch = similar(batch_of([steps.tolist()]))
        whole = novelty.detector.score(params, np.zeros(1, novelty.detector.state), batch)[1].max()
        blind = replace(batch, signals={**batch.signals, "standing": batch.signals["standing"] * 0})
        unseen = novelty.detector.score(params, np.zeros(1, novelty.detector.state), blind)[1].max()
        # But for one: the first step is as far from everything as a row with fillers.
        assert unseen - novelty.CAP <= whole <= unseen
        assert whole > novelty.detector.suspect

    def test_a_baseline_of_before_or_a_batch_without_repeats_has_no_fillers(self) -> None:
        batch = asked(self.together(60, 24), 1)
        assert not without_fillers({"far": np.zeros(1)}, batch)[0].size
        still = replace(batch, signals={**batch.signals, "standing": batch.signals["standing"] * 0})
        assert without_fillers(learned(self.together(300, 20)) | {"far": np.zeros(1)}, still)[0].size == 0
