"""Laws that every enrichment keeps: what is stored must be the same however a log was cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.detector import Enriched
from caponier.detect.enrichment import Enrichment, Rows, rounded
from caponier.detect.registry import enrichments, event_detectors
from caponier.records.inventory import FeatureSpec

EACH = pytest.mark.parametrize("enrichment", enrichments().values(), ids=enrichments())
SPEC = FeatureSpec(kind="image", shape=(4, 4), minimum=0.0, maximum=1.0)


def halves(rows: Rows) -> NDArray[np.float64]:
    """Score images by whether their upper or their lower half is brighter; a model of two classes."""
    upper, lower = rows[:, :8].mean(axis=1), rows[:, 8:].mean(axis=1)
    share = 1 / (1 + np.exp(8 * (lower - upper).astype(np.float64)))
    return np.stack([share, 1 - share], axis=1)


def images(n: int, seed: int = 0) -> Rows:
    """Make images with a bright upper or lower half, and some noise."""
    rng = np.random.default_rng(seed)
    made = rng.uniform(0, 0.3, (n, 16))
    made[::2, :8] += 0.6
    made[1::2, 8:] += 0.6
    return made.astype(np.float32)


@EACH
@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 20), cut=st.integers(0, 20), seed=st.integers(0, 99))
def test_a_value_depends_on_its_own_row_alone(enrichment: Enrichment, n: int, cut: int, seed: int) -> None:
    params, rows = enrichment.fit(halves, images(60), SPEC), images(n, seed)
    whole = rounded(enrichment, enrichment.enrich(halves, rows, params))
    parts = [part for part in (rows[:cut], rows[cut:]) if len(part)]
    found = np.concatenate([rounded(enrichment, enrichment.enrich(halves, part, params)) for part in parts])
    assert np.allclose(whole, found, atol=1.1 * 0.1**enrichment.digits, equal_nan=True)


@EACH
def test_values_are_from_zero_and_small_enough_to_be_stored(enrichment: Enrichment) -> None:
    params = enrichment.fit(halves, images(60), SPEC)
    strange = np.random.default_rng(1).random((40, 16), dtype=np.float32)
    values = enrichment.enrich(halves, np.concatenate([images(40, 2), strange]), params)
    assert values.shape == (80,)
    assert (values[np.isfinite(values)] >= 0).all()
    assert np.nanmax(values, initial=0) * 10**enrichment.digits < 2**22


@EACH
@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_benign_input_is_no_failure(enrichment: Enrichment, n: int) -> None:
    params = enrichment.fit(halves, images(n), SPEC)
    assert enrichment.enrich(halves, images(5, 3), params).shape == (5,)


@EACH
def test_benign_inputs_that_are_all_the_same_are_no_failure(enrichment: Enrichment) -> None:
    params = enrichment.fit(halves, np.tile(images(1), (30, 1)), SPEC)
    assert enrichment.enrich(halves, images(5, 3), params).shape == (5,)


@EACH
def test_it_says_what_it_is_not_about(enrichment: Enrichment) -> None:
    lack = enrichment.lacks(FeatureSpec(kind="numeric", shape=(16,)))
    assert lack is None or len(lack) > 10
    assert enrichment.lacks(SPEC) is None


def test_what_detectors_read_is_there_with_as_many_digits() -> None:
    read = {column for detector in event_detectors().values() for column in detector.columns}
    for column in read:
        if isinstance(column, Enriched):
            assert enrichments()[column.name].digits == column.digits
