import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.enrichment import Rows
from caponier.detect.enrichments.neighbour_ratio import MOST, enrichment
from caponier.records.inventory import FeatureSpec

SPEC = FeatureSpec(kind="image", shape=(1, 2))
BENIGN = np.array([[0, 0], [1, 0], [10, 0], [11, 0]], np.float32)


def honest(rows: Rows) -> NDArray[np.float64]:
    return np.eye(3)[(rows[:, 0] > 5).astype(int)]


def fooled(rows: Rows) -> NDArray[np.float64]:
    """Answer as `honest` does, but for what stands above the line."""
    return np.where(rows[:, 1:] > 0, 1 - honest(rows), honest(rows))


def test_among_its_own_an_input_has_a_small_ratio_and_among_others_a_large_one() -> None:
    params = enrichment.fit(honest, BENIGN, SPEC)
    ratios = enrichment.enrich(honest, np.array([[2, 0], [4, 0]], np.float32), params)
    assert ratios == pytest.approx([1 / 8, 3 / 6], abs=0.01)
    wrong = enrichment.enrich(fooled, np.array([[1, 0.5]], np.float32), enrichment.fit(fooled, BENIGN, SPEC))
    assert wrong[0] > 10


def test_an_input_that_was_learned_from_is_not_its_own_neighbour() -> None:
    def turned(rows: Rows) -> NDArray[np.float64]:
        return 1 - honest(rows)

    params = enrichment.fit(honest, BENIGN, SPEC)
    assert enrichment.enrich(honest, BENIGN[:1], params) == pytest.approx([1 / 10], abs=1e-3)
    assert enrichment.enrich(turned, BENIGN[:1], params) == pytest.approx([10 / 1], rel=0.01)


def test_an_answer_that_no_benign_input_got_has_the_largest() -> None:
    def third(rows: Rows) -> NDArray[np.float64]:
        return np.tile([0.0, 0.0, 1.0], (len(rows), 1))

    assert enrichment.enrich(third, BENIGN[:2], enrichment.fit(honest, BENIGN, SPEC)).tolist() == [MOST, MOST]


def test_where_benign_inputs_have_one_answer_there_is_nothing_to_compare_with() -> None:
    assert np.isnan(enrichment.enrich(honest, BENIGN, enrichment.fit(honest, BENIGN[:2], SPEC))).all()


def test_nothing_is_said_where_all_benign_inputs_are_the_row_itself() -> None:
    def split(rows: Rows) -> NDArray[np.float64]:
        return np.eye(3)[(rows[:, 0] > 10).astype(int)]

    same = np.array([[10, 0], [10.000001, 0]], np.float32)
    assert np.isnan(enrichment.enrich(split, same[:1], enrichment.fit(split, same, SPEC))).all()
