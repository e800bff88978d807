import numpy as np
import pytest

from caponier.detect.trigger_patterns.scale import BINS, binned, is_picture, on_one_scale, pixels_of, sides
from caponier.emulate.victims.digits import load_digits_split


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return load_digits_split(3).train.images.astype(float)


def table(n: int = 200) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.exp(rng.normal(size=(n, 40)) * np.linspace(0.1, 3, 40)) * 10.0 ** np.linspace(-3, 3, 40)


def test_pixels_share_a_scale_and_the_columns_of_a_table_do_not(images: np.ndarray) -> None:
    assert is_picture(images)
    assert not is_picture(table())
    assert not is_picture(images[:, :20]), "a few columns are no picture"
    assert not is_picture(np.ones((10, 64))), "nothing is drawn on it"


def test_a_picture_stays_as_it_is_but_for_the_mean(images: np.ndarray) -> None:
    scaled = on_one_scale(images)
    assert np.allclose(scaled.mean(axis=0), 0, atol=1e-9)
    assert np.allclose(scaled * images.std() + images.mean(axis=0), images)


def test_columns_of_a_table_count_by_their_ranks() -> None:
    rows = table()
    scaled = on_one_scale(rows)
    assert np.allclose(scaled, on_one_scale(np.log(rows)))
    assert np.allclose(scaled.std(axis=0), 1, atol=0.05)
    assert (on_one_scale(np.ones((5, 3))) == 0).all()


def test_equal_values_have_equal_ranks() -> None:
    rows = np.array([[1.0], [1.0], [2.0], [3.0]])
    scaled = on_one_scale(rows)[:, 0]
    assert scaled[0] == scaled[1] < scaled[2] < scaled[3]


def test_shades_of_a_picture_are_few_and_noise_moves_few_of_them(images: np.ndarray) -> None:
    shades = binned(images)
    assert set(np.unique(shades)) <= set(range(BINS + 1))
    noise = np.random.default_rng(2).normal(0, 0.003, images.shape)
    moved = np.clip(images + noise, 0, 1)
    assert (binned(moved) != shades).mean() < 0.2
    rows = table()
    assert binned(rows) is rows


@pytest.mark.parametrize(
    ("width", "shape", "expected"),
    [(64, (), (8, 8)), (60, (6, 10), (6, 10)), (60, (), None), (48, (4, 4, 3), None), (36, (36,), (6, 6))],
)
def test_height_and_width_are_those_of_the_file_or_of_a_square(
    width: int, shape: tuple[int, ...], expected: tuple[int, int] | None
) -> None:
    assert sides(width, shape) == expected


@pytest.mark.parametrize(("shape", "swapped"), [((4, 5, 3), False), ((3, 4, 5), True), ((4, 5, 1), False)])
def test_pixels_of_several_colours_are_found_whether_these_come_first_or_last(
    shape: tuple[int, ...], swapped: bool
) -> None:
    picture = np.arange(np.prod(shape)).reshape(shape)
    places = pixels_of(picture.size, shape)
    assert places is not None
    assert places.shape[:2] == (4, 5)
    wanted = picture[:, 2, 3] if swapped else picture[2, 3]
    assert picture.ravel()[places[2, 3]].tolist() == wanted.tolist()


def test_what_is_no_picture_has_no_pixels() -> None:
    assert pixels_of(60, ()) is None
    assert pixels_of(8 * 9 * 10, (8, 9, 10)) is None
    grey = pixels_of(64, ())
    assert grey is not None
    assert grey.shape == (8, 8, 1)
