import numpy as np

from caponier.detect.enrichment import rounded
from caponier.detect.enrichments.squeezing import enrichment


def test_values_are_kept_to_the_last_digit_and_what_is_none_is_none() -> None:
    values = np.array([0.123449, 1.0, np.nan, np.inf, -0.5])
    kept = rounded(enrichment, values)
    assert kept.dtype == np.float32
    assert kept[:2].tolist() == [np.float32(0.1234), 1.0]
    assert np.isnan(kept[2:]).all()


def test_what_was_rounded_once_stays_as_it_is() -> None:
    once = rounded(enrichment, np.random.default_rng(0).random(1_000))
    assert np.array_equal(once, rounded(enrichment, once))
