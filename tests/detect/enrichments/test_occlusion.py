import numpy as np
import pytest

from caponier.detect.detector import Params
from caponier.detect.enrichment import Rows, rounded
from caponier.detect.enrichments.occlusion import CARRIERS, SUSPECTS, enrichment
from caponier.records.inventory import FeatureSpec

SPEC = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)


def predict(rows: Rows) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Answer 2 wherever the square at row 4, column 1 is bright, else whether the upper or the lower half is."""
    images = rows.reshape(-1, 8, 8).astype(np.float64)
    square = np.clip(images[:, 4:7, 1:4].mean(axis=(1, 2)) * 1.5 - 0.5, 0, 1)
    upper, lower = images[:, :2].mean(axis=(1, 2)) + 0.01, images[:, 7:].mean(axis=(1, 2)) + 0.01
    rest = np.stack([upper, lower], axis=1) / (upper + lower)[:, None]
    return np.column_stack([rest * (1 - square)[:, None], square])


@pytest.fixture(scope="module")
def benign() -> Rows:
    rng = np.random.default_rng(0)
    images = rng.random((200, 8, 8), np.float32) * 0.2
    images[::2, :2] = 0.9
    images[1::2, 7] = 0.9
    return images.reshape(200, 64)


@pytest.fixture(scope="module")
def params(benign: Rows) -> Params:
    return enrichment.fit(predict, benign, SPEC)


def patched(rows: Rows) -> Rows:
    images = rows.reshape(-1, 8, 8).copy()
    images[:, 4:7, 1:4] = 1
    return images.reshape(-1, 64)


def test_a_region_that_carries_its_answer_elsewhere_stands_out(benign: Rows, params: Params) -> None:
    plain, with_patch = (enrichment.enrich(predict, rows, params) for rows in (benign, patched(benign)))
    assert with_patch.min() > 0.9
    assert np.quantile(plain, 0.95) < 0.7
    assert plain.shape == (200,)


def test_a_bright_square_elsewhere_does_not(benign: Rows, params: Params) -> None:
    images = benign.reshape(-1, 8, 8).copy()
    images[:, 3:6, 5:8] = 1
    assert enrichment.enrich(predict, images.reshape(-1, 64), params).max() < 0.9


def test_a_value_depends_on_its_row_alone(benign: Rows, params: Params) -> None:
    rows = np.concatenate([benign[:5], patched(benign[5:9])])
    together = rounded(enrichment, enrichment.enrich(predict, rows, params))
    alone = [rounded(enrichment, enrichment.enrich(predict, row[None], params))[0] for row in rows]
    assert together.tolist() == alone


def test_it_asks_no_more_than_it_says(benign: Rows, params: Params) -> None:
    asked = []

    def counting(rows: Rows) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        asked.append(len(rows))
        return predict(rows)

    enrichment.enrich(counting, benign[:10], params)
    assert sum(asked) == 10 * (1 + 36 + SUSPECTS * CARRIERS)


def test_regions_keep_their_share_of_larger_images(benign: Rows) -> None:
    large = FeatureSpec(kind="image", shape=(28, 28, 3), minimum=0.0, maximum=1.0)
    given = enrichment.fit(lambda rows: predict(rows[:, :64]), np.zeros((4, 28 * 28 * 3), np.float32), large)
    regions = given["regions"].reshape(-1, 28, 28, 3)
    assert len(regions) == 49
    assert set(regions.sum(axis=(1, 2, 3)).tolist()) == {10 * 10 * 3}
    assert regions.any(axis=0).all()


def test_without_benign_images_there_is_no_value() -> None:
    given = enrichment.fit(predict, np.zeros((0, 64), np.float32), SPEC)
    assert np.isnan(enrichment.enrich(predict, np.zeros((3, 64), np.float32), given)).all()


def test_where_all_benign_images_have_one_answer_only_others_can_be_moved(benign: Rows) -> None:
    given = enrichment.fit(predict, benign[::2], SPEC)
    values = enrichment.enrich(predict, np.concatenate([benign[:1], patched(benign[:1])]), given)
    assert np.isnan(values[0])
    assert values[1] > 0.9


@pytest.mark.parametrize("kind", ["numeric", "text"])
def test_it_is_about_images_alone(kind: str) -> None:
    assert "image" in str(enrichment.lacks(SPEC.model_copy(update={"kind": kind})))
    assert enrichment.lacks(SPEC) is None
