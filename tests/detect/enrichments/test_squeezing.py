import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.enrichment import Rows
from caponier.detect.enrichments.squeezing import black_and_white, enrichment, medians
from caponier.records.inventory import FeatureSpec

SPEC = FeatureSpec(kind="image", shape=(4, 4), minimum=0.0, maximum=1.0)


def bright(rows: Rows) -> NDArray[np.float64]:
    """Tell images by whether they are bright on the whole, and be sure of it."""
    return np.eye(2)[(rows.mean(axis=1) > 0.5).astype(int)]


def first(rows: Rows) -> NDArray[np.float64]:
    """Tell images by their first pixel: what is squeezed away matters most."""
    return np.stack([rows[:, 0], 1 - rows[:, 0]], axis=1).astype(np.float64)


def strokes(n: int) -> Rows:
    """Make images that are black, and others that are white."""
    made = np.zeros((n, 16), np.float32)
    made[::2] = 1
    return made


def test_pixels_go_to_the_nearer_end_of_their_range() -> None:
    params = {"range": np.array([-1.0, 3.0])}
    assert black_and_white(np.array([[-1, 0.9, 1.1, 3]], np.float32), params).tolist() == [[-1, -1, 3, 3]]


def test_a_median_takes_single_pixels_away_channel_by_channel() -> None:
    params, image = {"shape": np.array([3, 3, 2])}, np.zeros((3, 3, 2), np.float32)
    image[1, 1, 0], image[..., 1] = 1, 0.5
    smooth = medians(image.reshape(1, -1), params).reshape(3, 3, 2)
    assert smooth[..., 0].max() == 0
    assert (smooth[..., 1] == 0.5).all()


def test_the_border_is_mirrored() -> None:
    params = {"shape": np.array([2, 2])}
    assert medians(np.array([[0.1, 0.2, 0.3, 0.4]], np.float32), params)[0, 0] == pytest.approx(0.1)


def test_it_is_as_far_as_the_scores_move_most() -> None:
    params = enrichment.fit(first, strokes(10), SPEC)
    assert params["borne"].tolist() == [True, True]
    grey = np.zeros((1, 16), np.float32)
    grey[0, 0] = 0.4
    # Both ways make the pixel black: 0.4 less for the one class and 0.4 more for the other.
    assert enrichment.enrich(first, grey, params) == pytest.approx([0.8])


def test_what_benign_images_do_not_bear_is_not_done() -> None:
    dim = np.full((10, 16), 0.4, np.float32)
    dim[::2] = 0.3

    def dimmer(rows: Rows) -> NDArray[np.float64]:
        return np.eye(2)[(rows.mean(axis=1) > 0.35).astype(int)]

    params = enrichment.fit(dimmer, dim, SPEC)
    assert params["borne"].tolist() == [False, True]
    assert enrichment.enrich(dimmer, dim, {**params, "borne": np.array([False, False])}).tolist() == [0.0] * 10


def test_an_image_that_bears_it_does_not_move() -> None:
    params = enrichment.fit(bright, strokes(10), SPEC)
    assert enrichment.enrich(bright, strokes(4), params).tolist() == [0.0] * 4


def test_a_range_that_is_not_given_is_that_of_benign_images() -> None:
    params = enrichment.fit(bright, strokes(4) * 255, FeatureSpec(kind="image", shape=(4, 4)))
    assert params["range"].tolist() == [0, 255]
