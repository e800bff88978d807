import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.enrichment import Rows
from caponier.detect.enrichments.class_distance import WIDEST, enrichment
from caponier.records.inventory import FeatureSpec

SPEC = FeatureSpec(kind="image", shape=(2, 2))


def sides(rows: Rows) -> NDArray[np.float64]:
    """Answer 0 to the left of the middle, 1 to the right, 2 far out, as nothing benign is."""
    return np.eye(3)[np.select([rows[:, 0] < 0, rows[:, 0] < 50], [0, 1], 2)]


def clouds(n: int = 400, seed: int = 0) -> Rows:
    """Make two round clouds at -5 and 5; the second varies twice as much."""
    made = np.random.default_rng(seed).normal(0, 1, (n, 4))
    made[1::2] *= 2
    made[::2, 0] -= 5
    made[1::2, 0] += 9
    return made.astype(np.float32)


@pytest.fixture(scope="module")
def params() -> dict[str, NDArray[np.float64]]:
    return dict(enrichment.fit(sides, clouds(), SPEC))


def at(params: dict[str, NDArray[np.float64]], *point: float) -> float:
    return float(enrichment.enrich(sides, np.array([point], np.float32), params)[0])


def test_benign_inputs_are_about_one_away(params: dict[str, NDArray[np.float64]]) -> None:
    distances = enrichment.enrich(sides, clouds(seed=1), params)
    assert 0.8 < np.median(distances[::2]) < 1.1
    assert 0.8 < np.median(distances[1::2]) < 1.1


def test_it_is_measured_from_the_class_of_the_answer(params: dict[str, NDArray[np.float64]]) -> None:
    # As far from the one middle as from the other, and the second class varies more.
    assert at(params, -0.1, 6, 0, 0) > 1.4 * at(params, 4.1, 6, 0, 0)


def test_what_no_benign_input_was_taken_for_is_far_from_all(params: dict[str, NDArray[np.float64]]) -> None:
    assert at(params, 60, 0, 0, 0) > 5
    assert at(params, 60, 0, 0, 0) < at(params, 90, 0, 0, 0)


def test_without_benign_inputs_there_is_no_distance() -> None:
    empty = enrichment.fit(sides, np.zeros((0, 4), np.float32), SPEC)
    assert np.isnan(enrichment.enrich(sides, clouds(4), empty)).all()


def test_a_class_of_one_input_has_the_spread_of_the_others() -> None:
    seen = np.concatenate([clouds()[::2], [[9, 0, 0, 0]]]).astype(np.float32)
    found = enrichment.enrich(sides, np.array([[9, 2, 0, 0]], np.float32), enrichment.fit(sides, seen, SPEC))
    assert found == pytest.approx([1.0], rel=0.2)


def test_what_is_too_wide_for_a_covariance_is_left_alone() -> None:
    assert enrichment.lacks(FeatureSpec(kind="image", shape=(32, 32))) is None
    assert f"{WIDEST:,}" in (enrichment.lacks(FeatureSpec(kind="image", shape=(33, 33))) or "")
