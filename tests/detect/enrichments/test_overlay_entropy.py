import numpy as np
import pytest

from caponier.detect.detector import Params
from caponier.detect.enrichment import Rows, rounded
from caponier.detect.enrichments.overlay_entropy import OVERLAYS, enrichment
from caponier.records.inventory import FeatureSpec

SPEC = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)


def predict(rows: Rows) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Answer by the quarter that holds most light; a bright corner pixel decides for the first one."""
    images = rows.reshape(-1, 8, 8).astype(np.float64)
    quarters = [images[:, y : y + 4, x : x + 4].sum(axis=(1, 2)) for y in (0, 4) for x in (0, 4)]
    scores = np.exp(np.stack(quarters, axis=1))
    scores[images[:, 7, 7] > 0.9] = [1, 0, 0, 0]
    return np.asarray(scores / scores.sum(axis=1, keepdims=True))


@pytest.fixture(scope="module")
def benign() -> Rows:
    rng = np.random.default_rng(0)
    images = np.zeros((120, 8, 8), np.float32)
    for at, image in enumerate(images):
        y, x = divmod(at % 4, 2)
        image[4 * y : 4 * y + 4, 4 * x : 4 * x + 3] = rng.random((4, 3)) * 0.5 + 0.2
    return images.reshape(-1, 64)


@pytest.fixture(scope="module")
def params(benign: Rows) -> Params:
    return enrichment.fit(predict, benign, SPEC)


def triggered(rows: Rows) -> Rows:
    marked = rows.copy()
    marked[:, 63] = 1
    return marked


def test_a_trigger_keeps_the_answer_sure(benign: Rows, params: Params) -> None:
    plain, marked = (enrichment.enrich(predict, rows, params) for rows in (benign, triggered(benign)))
    assert (marked == 1).all()
    assert plain.min() >= 0
    assert plain.max() < 0.9


def test_overlays_have_all_answers(params: Params) -> None:
    assert np.bincount(predict(params["overlays"]).argmax(axis=1)).tolist() == [OVERLAYS / 4] * 4


def test_bright_images_are_laid_over_by_what_is_darker(benign: Rows) -> None:
    def negative(rows: Rows) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return predict((1 - rows).astype(np.float32))

    dark, bright = enrichment.fit(predict, benign, SPEC), enrichment.fit(negative, 1 - benign, SPEC)
    assert (dark["dark"][0], bright["dark"][0]) == (True, False)
    expected = enrichment.enrich(predict, benign[:20], dark)
    assert enrichment.enrich(negative, 1 - benign[:20], bright) == pytest.approx(expected, abs=1e-5)


def test_a_value_depends_on_its_row_alone(benign: Rows, params: Params) -> None:
    rows = np.concatenate([benign[:5], triggered(benign[5:9])])
    together = rounded(enrichment, enrichment.enrich(predict, rows, params))
    alone = [rounded(enrichment, enrichment.enrich(predict, row[None], params))[0] for row in rows]
    assert together.tolist() == alone


def test_a_model_that_is_never_sure_gives_nothing(benign: Rows, params: Params) -> None:
    values = enrichment.enrich(lambda rows: np.full((len(rows), 4), 0.25), benign[:3], params)
    assert values == pytest.approx(0, abs=1e-9)


def test_a_model_of_one_class_breaks_nothing(benign: Rows, params: Params) -> None:
    assert enrichment.enrich(lambda rows: np.ones((len(rows), 1)), benign[:3], params).tolist() == [1, 1, 1]


def test_without_benign_images_there_is_no_value() -> None:
    given = enrichment.fit(predict, np.zeros((0, 64), np.float32), SPEC)
    assert np.isnan(enrichment.enrich(predict, np.zeros((3, 64), np.float32), given)).all()


def test_it_is_about_images_alone() -> None:
    assert "image" in str(enrichment.lacks(SPEC.model_copy(update={"kind": "numeric"})))
    assert enrichment.lacks(SPEC) is None
