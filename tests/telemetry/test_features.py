from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import BLOCK, LEVELS, MARK, MAX_FEATURES, Encoder

RNG = np.random.default_rng(7)
TABLE = FeatureSpec(kind="numeric", shape=(3,))
SKEWED = np.column_stack([RNG.random(500), np.exp(RNG.normal(0, 3, 500)), RNG.integers(0, 3, 500)]).astype(np.float32)
ENCODERS = {
    "table": Encoder.fit(TABLE, SKEWED),
    "range": Encoder.fit(FeatureSpec(kind="numeric", shape=(3,), minimum=0.0, maximum=2.0), SKEWED),
    "small image": Encoder.fit(FeatureSpec(kind="image", shape=(2, 3)), RNG.random((9, 6), np.float32)),
    "large image": Encoder.fit(FeatureSpec(kind="image", shape=(20, 33)), RNG.random((9, 660), np.float32)),
    "many bands": Encoder.fit(FeatureSpec(kind="image", shape=(5, 5, 19)), RNG.random((9, 475), np.float32)),
}
ANY = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("name", ENCODERS)
def test_encoding_leaves_the_inputs_as_they_were(name: str) -> None:
    encoder = ENCODERS[name]
    inputs = np.random.default_rng(1).normal(0, 2, (2 * BLOCK + 3, encoder.size)).astype(np.float32)
    before = inputs.copy()
    encoded = encoder.encode(inputs)
    assert np.array_equal(inputs, before)
    assert np.array_equal(encoded[BLOCK - 1 : BLOCK + 1], encoder.encode(inputs[BLOCK - 1 : BLOCK + 1]))


@pytest.mark.parametrize("name", ENCODERS)
def test_encoding_does_not_depend_on_the_batch(name: str) -> None:
    encoder = ENCODERS[name]
    inputs = RNG.normal(0.5, 0.5, (700, encoder.size)).astype(np.float32)
    whole = encoder.encode(inputs)
    assert whole.shape == (700, encoder.width)
    assert whole.max() <= LEVELS
    alone = np.concatenate([encoder.encode(inputs[row : row + 1]) for row in range(0, 700, 7)])
    assert (alone == whole[::7]).all()
    assert (np.concatenate([encoder.encode(inputs[:333]), encoder.encode(inputs[333:])]) == whole).all()


@settings(max_examples=40)
@pytest.mark.parametrize("name", ["table", "range", "small image", "many bands"])
@given(data=st.data())
def test_encoding_is_monotone_and_never_warns(name: str, data: Any) -> None:
    encoder = ENCODERS[name]
    pair = data.draw(arrays(np.float32, (2, encoder.size), elements=ANY, fill=st.just(np.float32(0.5))))
    lower, upper = encoder.encode(np.sort(pair, axis=0)).astype(int)
    assert (lower <= upper).all()


def test_the_quantiles_of_a_table_use_the_whole_range() -> None:
    levels = ENCODERS["table"].encode(SKEWED)[:, 1]
    assert abs(np.median(levels) - LEVELS / 2) < 2


def test_values_outside_the_fitted_range_are_clipped() -> None:
    extremes = np.array([[-3e38] * 3, [3e38] * 3], np.float32)
    for name in ("table", "range"):
        assert ENCODERS[name].encode(extremes).tolist() == [[0] * 3, [LEVELS] * 3]


def test_a_range_as_wide_as_float32_can_be_encoded() -> None:
    limit = float(np.finfo(np.float32).max)
    spec = FeatureSpec(kind="numeric", shape=(1,), minimum=-limit, maximum=limit)
    encoder = Encoder.fit(spec, np.zeros((1, 1), np.float32))
    assert encoder.encode(np.array([[-limit], [0], [limit]], np.float32)).tolist() == [[0], [64], [LEVELS]]
    wild = Encoder.fit(TABLE, np.array([[-limit] * 3, [limit] * 3], np.float32))
    assert wild.encode(np.zeros((1, 3), np.float32)).tolist() == [[64] * 3]


@pytest.mark.parametrize("name", ENCODERS)
def test_no_inputs_make_no_rows(name: str) -> None:
    encoder = ENCODERS[name]
    assert encoder.encode(np.zeros((0, encoder.size), np.float32)).shape == (0, encoder.width)


def test_a_constant_benign_sample_still_tells_larger_from_smaller() -> None:
    encoder = Encoder.fit(FeatureSpec(kind="image", shape=(1, 2)), np.full((5, 2), 0.5, np.float32))
    assert encoder.encode(np.array([[0.5, 0.6]], np.float32)).tolist() == [[0, LEVELS]]


def test_images_are_pooled_to_at_most_256_values() -> None:
    assert ENCODERS["large image"].width == 10 * 11
    big = Encoder.fit(FeatureSpec(kind="image", shape=(224, 224, 3)), RNG.random((2, 150_528), np.float32))
    assert big.width == 256
    assert big.encode(np.ones((1, 150_528), np.float32)).tolist() == [[LEVELS] * 256]


def test_too_many_features_are_refused() -> None:
    spec = FeatureSpec(kind="numeric", shape=(MAX_FEATURES + 1,))
    with pytest.raises(InputError, match="1,041 features"):
        Encoder.fit(spec, np.zeros((2, MAX_FEATURES + 1), np.float32))


def test_a_specification_without_a_shape_is_refused() -> None:
    with pytest.raises(InputError, match="no shape"):
        Encoder.fit(FeatureSpec(kind="numeric"), np.zeros((1, 1), np.float32))


@pytest.mark.parametrize(
    "spec",
    [
        FeatureSpec(kind="numeric", shape=(3,)),
        FeatureSpec(kind="numeric", shape=(3,), minimum=-1.0, maximum=1.0),
        FeatureSpec(kind="categorical", shape=(3,), categories=(1,)),
    ],
)
def test_coarse_inputs_are_compared_as_the_exact_ones(spec: FeatureSpec) -> None:
    rng = np.random.default_rng(0)
    sample = rng.normal(size=(500, 3)).astype(np.float32)
    sample[:, 1] = rng.integers(0, 3, 500)
    encoder = Encoder.fit(spec, sample)
    rows = rng.normal(size=(200, 3)).astype(np.float32)
    rows[:, 1] = rng.integers(0, 4, 200)
    rows[5, 0] = np.nan
    coarse = encoder.coarse(rows)
    assert coarse is not None
    assert np.isnan(coarse[5, 0])
    assert np.abs(encoder.encode(coarse).astype(int) - encoder.encode(rows)).max() <= 1
    assert len(np.unique(coarse[:, 0])) <= 129
    if spec.kind == "categorical":
        assert (coarse[:, 1] == rows[:, 1]).all()


def test_texts_have_nothing_coarser() -> None:
    encoder = Encoder.fit(FeatureSpec(kind="text"), np.zeros((0, 256), np.float32))
    assert encoder.coarse(np.zeros((1, 256), np.float32)) is None


@pytest.mark.parametrize(
    ("spec", "missing", "marked"),
    [
        (FeatureSpec(kind="numeric", shape=(3,)), [1], [1]),
        (FeatureSpec(kind="numeric", shape=(3,), minimum=-1.0, maximum=1.0), [0, 2], [0, 2]),
        (FeatureSpec(kind="categorical", shape=(3,), categories=(1,)), [1, 2], [1]),
        (FeatureSpec(kind="image", shape=(1, 3)), [2], [2]),
    ],
)
def test_a_number_that_is_missing_is_marked_where_that_is_asked_for(
    spec: FeatureSpec, missing: list[int], marked: list[int]
) -> None:
    rng = np.random.default_rng(0)
    encoder = Encoder.fit(spec, rng.integers(0, 3, (50, 3)).astype(np.float32))
    rows = rng.integers(0, 3, (4, 3)).astype(np.float32)
    assert (encoder.marked(rows) == encoder.encode(rows)).all()
    rows[2, missing] = np.nan
    query = encoder.marked(rows)
    assert (query % MARK == encoder.encode(rows)).all()
    assert np.argwhere(query >= MARK).tolist() == [[2, place] for place in marked]


def test_nothing_is_missing_from_texts_and_from_no_rows() -> None:
    text = Encoder.fit(FeatureSpec(kind="text"), np.zeros((0, 256), np.float32))
    assert (text.marked(np.ones((1, 256), np.float32)) < MARK).all()
    numbers = Encoder.fit(FeatureSpec(kind="numeric", shape=(2,)), np.zeros((1, 2), np.float32))
    assert numbers.marked(np.zeros((0, 2), np.float32)).shape == (0, 2)
