"""What holds for every detection that adds up how odd a caller's unlike images are, by one enrichment."""

import json
from typing import Any, ClassVar

import numpy as np
import pytest

from caponier.detect.batch import EventBatch
from caponier.detect.detector import EventDetector, Params
from caponier.detect.enrichment import Enrichment
from caponier.detect.rarity.signal_rarity import MOST, WINDOW
from detect.rarity.test_signal_rarity import figures


class OddImages:
    """To be inherited by the tests of a detector."""

    detector: ClassVar[EventDetector]
    enrichment: ClassVar[Enrichment]
    fact: ClassVar[str]
    """Name of the figure among its facts."""
    told: ClassVar[float]
    """What that is where the enrichment says 0.9."""

    def asked(self, *subjects: list[int]) -> EventBatch:
        """Make a batch of unlike images with the given figures."""
        batch = figures(*subjects)
        return batch.with_signals({self.enrichment.name: batch.signals["oddity"]})

    @pytest.fixture
    def params(self) -> Params:
        return self.detector.fit(self.asked(*np.random.default_rng(0).integers(0, 6_000, (50, 200)).tolist()))

    def scores(self, params: Params, batch: EventBatch) -> list[int]:
        state = np.zeros(batch.subjects, self.detector.state)
        found: list[int] = self.detector.score(params, state, batch)[1].tolist()
        return found

    def test_it_reads_the_enrichment_as_it_is_stored(self) -> None:
        column: Any
        (column,) = self.detector.columns
        assert (column.name, column.digits) == (self.enrichment.name, self.enrichment.digits)
        assert self.enrichment.digits == 4

    def test_many_images_with_the_oddity_pass_what_honest_ones_reach(self, params: Params) -> None:
        honest = self.scores(params, self.asked(*np.random.default_rng(5).integers(0, 6_000, (40, 200)).tolist()))
        odd = self.scores(params, self.asked([9_990] * 40))
        assert odd[-1] == WINDOW * MOST
        assert odd[5] > max(honest)

    def test_three_odd_images_are_never_worth_an_alarm(self, params: Params) -> None:
        assert max(self.scores(params, self.asked([9_990] * 3 + [100] * 60))) <= self.detector.floor
        assert max(self.scores(params, self.asked([9_990] * 4))) > self.detector.floor

    def test_half_of_the_images_are_enough(self, params: Params) -> None:
        assert self.scores(params, self.asked([9_990, 100] * 30))[-1] == WINDOW // 2 * MOST

    def test_a_log_that_was_not_enriched_scores_nothing(self, params: Params) -> None:
        assert set(self.scores(params, figures([9_990] * 40))) == {0}
        assert set(self.scores(params, self.asked([-1] * 40))) == {0}

    def test_there_is_no_cold_start(self) -> None:
        assert self.detector.priors() is None

    def test_an_explanation_gives_the_figure_of_the_trigger(self, params: Params) -> None:
        trigger = self.asked([9_000]).with_signals({"score": np.array([400])})
        said = self.detector.explain(params, trigger)
        assert said.facts["evidence_bits"] == 100
        assert said.facts[self.fact] == pytest.approx(self.told)
        assert said.rows.tolist() == [0]

    def test_an_explanation_without_a_figure_says_so(self, params: Params) -> None:
        said = self.detector.explain(params, self.asked([-1]).with_signals({"score": np.array([0])}))
        assert said.facts[self.fact] is None
        json.dumps(said.facts, allow_nan=False)
