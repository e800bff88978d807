import json

import numpy as np
import pytest

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.enrichments.occlusion import enrichment
from caponier.detect.events.local_patch import detector
from caponier.detect.rarity import MOST, WINDOW
from detect.test_rarity import figures

FIGURE = "occlusion"


def asked(*subjects: list[int]) -> EventBatch:
    """Make a batch of unlike images with the given figures."""
    batch = figures(*subjects)
    return batch.with_signals({FIGURE: batch.signals["oddity"]})


@pytest.fixture(scope="module")
def params() -> Params:
    return detector.fit(asked(*np.random.default_rng(0).integers(0, 6_000, (50, 200)).tolist()))


def scores(params: Params, batch: EventBatch) -> list[int]:
    found: list[int] = detector.score(params, np.zeros(batch.subjects, detector.state), batch)[1].tolist()
    return found


def test_it_reads_the_enrichment_as_it_is_stored() -> None:
    (column,) = detector.columns
    assert (column.name, column.digits) == (enrichment.name, enrichment.digits) == (FIGURE, 4)


def test_many_images_with_the_oddity_pass_what_honest_ones_reach(params: Params) -> None:
    honest = scores(params, asked(*np.random.default_rng(5).integers(0, 6_000, (40, 200)).tolist()))
    odd = scores(params, asked([9_990] * 40))
    assert odd[-1] == WINDOW * MOST
    assert odd[5] > max(honest)


def test_three_odd_images_are_never_worth_an_alarm(params: Params) -> None:
    assert max(scores(params, asked([9_990] * 3 + [100] * 60))) <= detector.floor
    assert max(scores(params, asked([9_990] * 4))) > detector.floor


def test_half_of_the_images_are_enough(params: Params) -> None:
    assert scores(params, asked([9_990, 100] * 30))[-1] == WINDOW // 2 * MOST


def test_a_log_that_was_not_enriched_scores_nothing(params: Params) -> None:
    batch = figures([9_990] * 40)
    assert set(scores(params, batch)) == {0}
    assert set(scores(params, asked([-1] * 40))) == {0}


def test_there_is_no_cold_start() -> None:
    assert detector.priors() is None


def test_an_explanation_gives_the_figure_of_the_trigger(params: Params) -> None:
    trigger = asked([9_000]).with_signals({"score": np.array([400])})
    said = detector.explain(params, trigger)
    assert "small region" in said.summary
    assert "100 bits" in said.summary
    assert said.facts["evidence_bits"] == 100
    assert said.facts["carried"] == pytest.approx(0.9)
    assert said.rows.tolist() == [0]


def test_an_explanation_without_a_figure_says_so(params: Params) -> None:
    said = detector.explain(params, asked([-1]).with_signals({"score": np.array([0])}))
    assert said.facts["carried"] is None
    json.dumps(said.facts, allow_nan=False)
