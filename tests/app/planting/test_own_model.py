from dataclasses import replace

import numpy as np
import pytest

from app.planting.own_logs import Rows, answer, inputs
from caponier.app.planting.own_log import Examples
from caponier.app.planting.own_model import InputScale, served_model, surrogate_model
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec

TABLE = FeatureSpec(kind="numeric", shape=(3,))
IMAGE = FeatureSpec(kind="image", shape=(2, 2), minimum=0.0, maximum=255.0)


def examples(n: int, seed: int) -> Examples:
    asked = inputs(n, seed)
    scores = answer(asked)
    return Examples(asked, [("stays", "leaves")[row] for row in scores.argmax(axis=1)], scores)


@pytest.fixture(scope="module")
def lessons() -> Examples:
    return examples(1_500, 1)


@pytest.fixture(scope="module")
def exam() -> Examples:
    return examples(300, 2)


class TestScale:
    def test_records_go_there_and_back(self) -> None:
        asked = inputs(500)
        scale = InputScale.of(TABLE, asked)
        units = scale.unit(asked)
        assert units.min() >= 0
        assert units.max() <= 1
        assert scale.raw(units) == pytest.approx(asked, rel=1e-4, abs=1e-3)
        assert scale.picture is None

    def test_a_skewed_column_is_as_wide_as_any(self) -> None:
        asked = inputs(500)
        assert np.median(InputScale.of(TABLE, asked).unit(asked), axis=0) == pytest.approx(np.full(3, 0.5), abs=0.25)

    def test_whole_numbers_stay_whole(self) -> None:
        scale = InputScale.of(TABLE, inputs(500))
        assert scale.whole.tolist() == [False, False, True]
        sent = scale.raw(np.random.default_rng(0).random((50, 3), dtype=np.float32))
        assert (sent[:, 2] == np.rint(sent[:, 2])).all()
        assert (sent[:, 0] != np.rint(sent[:, 0])).any()

    def test_images_are_scaled_by_their_range(self) -> None:
        pixels: Rows = np.array([[0, 51, 102, 255]], np.float32)
        scale = InputScale.of(IMAGE, pixels)
        assert scale.unit(pixels) == pytest.approx(np.array([[0, 0.2, 0.4, 1]], np.float32))
        assert np.array_equal(scale.raw(scale.unit(pixels)), pixels)
        assert scale.picture == (2, 2, 1)
        assert scale.raw(np.full((1, 4), 0.5, np.float32))[0, 0] == np.rint(127.5)

    def test_the_range_is_learned_where_nobody_says_it(self) -> None:
        spec = FeatureSpec(kind="image", shape=(1, 2, 2))
        scale = InputScale.of(spec, np.array([[-1, 0.5, 0.25, 3]], np.float32))
        assert scale.knots.ravel().tolist() == [-1, 3]
        assert scale.picture == (1, 2, 2)

    def test_one_value_is_a_range_too(self) -> None:
        scale = InputScale.of(FeatureSpec(kind="image", shape=(2, 2)), np.ones((1, 4), np.float32))
        assert np.isfinite(scale.unit(np.ones((1, 4), np.float32))).all()


class TestSurrogate:
    def test_it_learns_from_scores(self, lessons: Examples, exam: Examples) -> None:
        copy = surrogate_model(lessons, InputScale.of(TABLE, lessons.inputs), exam, 0)
        assert copy.names == ("stays", "leaves")
        assert copy.agreement > 0.9
        scores = copy.predict(copy.scale.unit(exam.inputs))
        assert scores.sum(axis=1) == pytest.approx(np.ones(300), abs=1e-4)

    def test_it_learns_from_labels_alone(self, lessons: Examples, exam: Examples) -> None:
        told = replace(lessons, scores=None, labels=[None, *lessons.labels[1:]])
        copy = surrogate_model(told, InputScale.of(TABLE, lessons.inputs), replace(exam, scores=None), 0)
        assert copy.names == ("leaves", "stays")
        assert copy.classes == 2
        assert copy.agreement > 0.85

    def test_it_learns_from_scores_without_labels(self, lessons: Examples, exam: Examples) -> None:
        told, asked = (replace(one, labels=[None] * len(one.labels)) for one in (lessons, exam))
        copy = surrogate_model(told, InputScale.of(TABLE, lessons.inputs), asked, 0)
        assert copy.names == ("0", "1")
        assert copy.agreement > 0.9

    @pytest.mark.parametrize(("n", "label"), [(20, None), (200, "always")])
    def test_too_little_is_refused(self, n: int, label: str | None, exam: Examples) -> None:
        few = examples(n, 3)
        told = few if label is None else Examples(few.inputs, [label] * n, None)
        with pytest.raises(InputError, match="cannot learn from"):
            surrogate_model(told, InputScale.of(TABLE, few.inputs), exam, 0)


class TestServed:
    def test_it_is_held_against_the_log(self, exam: Examples) -> None:
        scale = InputScale.of(TABLE, exam.inputs)
        assert served_model(answer, scale, exam).agreement == 1
        other = served_model(lambda rows: answer(rows * np.float32(-1)), scale, exam)
        assert other.agreement < 0.9

    def test_it_must_have_classes(self, exam: Examples) -> None:
        with pytest.raises(InputError, match="two classes"):
            served_model(lambda rows: rows[:, :1], InputScale.of(TABLE, exam.inputs), exam)
