from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.events.membership_probe import CANARY, detector
from caponier.detect.training_sketch.near_rows import USUAL, WINDOW, banded, opened
from caponier.detect.training_sketch.sketch import CANARIES, OWN, ROWS
from caponier.detect.training_sketch.slow_hits import GAIN, MOST
from detect.batches import batch_of, scores, similar


def asking(*subjects: list[int]) -> EventBatch:
    """Make a batch in which each number is an input of its own, with the number after it as its digest."""
    inputs = [[[number % 128, number // 128] for number in numbers] for numbers in subjects]
    return batch_of(inputs, keys=[[number + 1 for number in numbers] for numbers in subjects])


def trained(*numbers: int) -> Params:
    """Sketch the inputs of these numbers."""
    return {ROWS: np.unique(np.array(numbers, np.uint64)) + np.uint64(1)}


def scored(params: Params, *numbers: int) -> list[int]:
    return scores(detector, params, asking([*numbers])).tolist()


def test_the_sixth_training_row_counts_first() -> None:
    assert scored(trained(*range(100)), *range(OWN + 3)) == [0] * OWN + [1, 2, 3]


def test_other_rows_do_not_count() -> None:
    assert scored(trained(*range(0, 100, 2)), *range(14)) == [0] * 10 + [1, 1, 2, 2]


def test_owned_records_may_be_asked_for_again_and_again() -> None:
    asked = [number for turn in range(90) for number in (turn % OWN, 1_000 + turn)]
    assert max(scored(trained(*range(100)), *asked)) == 0


def test_owned_records_count_once_even_when_they_left_the_ring() -> None:
    """Between two turns of the records lie more different queries than similarity remembers."""
    asked = [*range(OWN), *range(1_000, 1_000 + WINDOW + 50), *range(OWN), *range(2_000, 2_000 + WINDOW + 50)]
    assert max(scored(trained(*range(100)), *asked)) == 0


def test_what_was_asked_long_ago_is_forgotten() -> None:
    found = scored(trained(*range(100)), *range(10), *range(1_000, 1_000 + WINDOW))
    assert found[9] == 10 - OWN
    assert found[WINDOW - 1] == 10 - OWN
    assert found[WINDOW + OWN] == 0


def test_repeats_do_not_count() -> None:
    assert scored(trained(*range(100)), *[number for number in range(7) for _ in range(3)])[-3:] == [2, 0, 0]


def test_without_a_sketch_nothing_is_found() -> None:
    assert max(scored({}, *range(50))) == 0
    assert max(scored({ROWS: np.zeros(0, np.uint64)}, *range(50))) == 0


def test_events_without_an_input_are_no_training_rows() -> None:
    found = scores(detector, {ROWS: np.zeros(1, np.uint64)}, batch_of([[None] * 9]))
    assert found.max() == 0


def test_subjects_are_counted_apart() -> None:
    found = scores(detector, trained(*range(100)), asking([*range(4)], [*range(4, 8)]))
    assert found.max() == 0


@pytest.mark.parametrize("own", [0, 3])
def test_an_explanation_names_the_training_rows(own: int) -> None:
    events = similar(asking([*range(1_000, 1_000 + own), *range(8)]))
    said = detector.explain(trained(*range(100)), events)
    assert said.rows.tolist() == list(range(own, own + 8))
    assert said.facts == {"training_rows": 8, "near_rows": 0, "window": own + 8, "of": 100}


WIDTH = 64
RNG = np.random.default_rng(11)
ROWSET = RNG.integers(8, 120, (40, WIDTH)).astype(np.uint8)
STRANGERS = RNG.integers(8, 120, (400, WIDTH)).astype(np.uint8)


def sketched(*usual: int) -> Params:
    """Sketch forty training rows; they are asked for as keys from 1 on, whatever is near them as keys beyond."""
    near = opened(banded(ROWSET, STRANGERS, b"salt"), b"salt")
    return {ROWS: np.arange(1, 41, dtype=np.uint64), USUAL: np.array(usual or (OWN, OWN)), **near}


def nearly(rows: NDArray[np.uint8], sigma: float = 1.3, seed: int = 0) -> list[list[int]]:
    """Put noise on rows, by default of 1 % of the range."""
    noise = np.random.default_rng(seed).normal(0, sigma, rows.shape)
    return np.clip(np.rint(rows + noise), 0, 127).astype(int).tolist()


def asked(params: Params, queries: list[list[int]], keys: list[int] | None = None) -> list[int]:
    batch = batch_of([queries], keys=[keys or [1_000 + at for at in range(len(queries))]])
    return scores(detector, params, batch).tolist()


class TestNearHits:
    def test_rows_with_a_little_noise_count_beyond_what_is_usual(self) -> None:
        assert asked(sketched(), nearly(ROWSET[:OWN])) == [0] * OWN
        assert max(asked(sketched(), nearly(ROWSET[: OWN + 4]))) == 4

    @pytest.mark.parametrize("changed", [ROWSET + np.uint8(8), ROWSET // 4 * 4], ids=["a grey level", "rounded"])
    def test_so_do_lighter_and_rounded_ones(self, changed: NDArray[np.uint8]) -> None:
        assert max(asked(sketched(), changed.tolist())) >= 30

    def test_strangers_do_not(self) -> None:
        assert max(asked(sketched(), STRANGERS[:200].tolist())) == 0

    def test_what_benign_callers_hit_says_nothing(self) -> None:
        queries = nearly(ROWSET)
        assert max(asked(sketched(20, 20), queries)) == 20
        assert max(asked(sketched(40, 40), queries)) == 0

    def test_it_takes_no_more_exact_rows_where_benign_callers_come_near(self) -> None:
        assert asked(sketched(150, 150), ROWSET[: OWN + 2].tolist(), [*range(1, OWN + 3)]) == [0] * OWN + [1, 2]

    def test_close_hits_count_where_near_ones_are_usual(self) -> None:
        """A photo of a thing that is in the training set is near; the row itself with 1 % of noise is closer."""
        assert max(asked(sketched(OWN, 150), nearly(ROWSET))) >= 20
        assert max(asked(sketched(OWN, 150), nearly(ROWSET, 6.5))) == 0

    def test_walks_around_members_count_once_a_member(self) -> None:
        """A member as it stands, and seven noisy copies, as those send who see labels alone."""
        walks = [[ROWSET[at].tolist(), *nearly(np.tile(ROWSET[at], (7, 1)), 4, at)] for at in range(10)]
        keys = [[at + 1, *range(1_000 + 10 * at, 1_007 + 10 * at)] for at in range(10)]
        told = asked(sketched(), [one for walk in walks for one in walk], [key for walk in keys for key in walk])
        assert max(told) == told[-1] == 10 - OWN
        assert told[: 8 * OWN] == [0] * 8 * OWN

    def test_without_the_key_only_exact_rows_count(self) -> None:
        closed = {name: values for name, values in sketched().items() if name != "training_key"}
        assert max(asked(closed, nearly(ROWSET))) == 0
        assert max(asked(closed, ROWSET.tolist(), [*range(1, 41)])) == 40 - OWN

    def test_an_explanation_tells_exact_from_near(self) -> None:
        queries = [*STRANGERS[:3].tolist(), *ROWSET[:4].tolist(), *nearly(ROWSET[4:16])]
        events = similar(batch_of([queries], keys=[[*range(500, 503), 1, 2, 3, 4, *range(600, 612)]]))
        said = detector.explain(sketched(), events)
        assert said.facts == {"training_rows": 4, "near_rows": 12, "window": 19, "of": 40}
        assert said.rows.tolist() == [*range(3, 19)]

    def test_near_hits_that_are_usual_are_not_named(self) -> None:
        queries = [*ROWSET[:8].tolist(), *nearly(ROWSET[8:20])]
        events = similar(batch_of([queries], keys=[[*range(1, 9), *range(600, 612)]]))
        said = detector.explain(sketched(30, 30), events)
        assert said.facts["near_rows"] == 0
        assert said.rows.tolist() == [*range(8)]


class TestMixed:
    PARAMS: ClassVar[Params] = {ROWS: np.arange(1, 41, dtype=np.uint64), GAIN: np.array([MOST])}

    def mixed(self, members: int, between: int) -> list[int]:
        others = iter(range(1_000, 16_000))
        return [number for member in range(members) for number in (member, *(next(others) for _ in range(between)))]

    @pytest.mark.parametrize("between", [50, 150])
    def test_members_among_many_other_queries_are_found_all_the_same(self, between: int) -> None:
        asked = self.mixed(20, between)
        assert max(scored({ROWS: self.PARAMS[ROWS]}, *asked)) == 0
        told = scored(self.PARAMS, *asked)
        assert max(told) > 0
        assert {at % (between + 1) for at in np.flatnonzero(told)} == {0}

    def test_they_are_not_among_too_many(self) -> None:
        assert max(scored(self.PARAMS, *self.mixed(20, 500))) == 0

    def test_five_own_records_are_never_a_finding(self) -> None:
        asked = [number for turn in range(60) for number in (turn % OWN, *range(1_000 + 30 * turn, 1_029 + 30 * turn))]
        assert max(scored(self.PARAMS, *asked)) == 0

    def test_the_explanation_says_that_there_were_others_before(self) -> None:
        said = detector.explain(self.PARAMS, similar(asking([*range(1_000, 1_150), 3])))
        assert said.rows.tolist() == [150]
        assert said.facts["training_rows"] == 1
        assert not said.summary.endswith(")")


class TestCanaries:
    PARAMS: ClassVar[Params] = {ROWS: np.arange(1, 41, dtype=np.uint64), CANARIES: np.array([77, 88], np.uint64)}

    def test_a_single_hit_is_beyond_whatever_benign_callers_reach(self) -> None:
        told = scored(self.PARAMS, 500, 76, 501)
        assert told[1] >= CANARY > 1_000 * WINDOW
        assert told[::2] == [0, 0]

    def test_it_needs_no_training_set(self) -> None:
        alone = {ROWS: np.zeros(0, np.uint64), CANARIES: self.PARAMS[CANARIES]}
        assert scored(alone, 1, 76) == [0, CANARY]

    def test_the_explanation_names_it_and_nothing_else(self) -> None:
        said = detector.explain(self.PARAMS, similar(asking([500, 3, 501, 76])))
        assert said.rows.tolist() == [3]
        assert said.facts["canaries"] == 1

    def test_several_are_named_together(self) -> None:
        said = detector.explain(self.PARAMS, similar(asking([76, 500, 87])))
        assert said.rows.tolist() == [0, 2]

    def test_other_findings_say_that_none_was_hit(self) -> None:
        said = detector.explain(self.PARAMS, similar(asking([*range(8)])))
        assert said.facts["canaries"] == 0
        assert "canar" not in said.summary
