import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.label_models.source_shares import binomial_tail, source_shares


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 60), k=st.integers(0, 60), p=st.floats(0.01, 0.99))
def test_the_tail_is_a_probability_that_falls(n: int, k: int, p: float) -> None:
    k = min(k, n)
    assert 0 <= binomial_tail(k, n, p) <= 1
    assert binomial_tail(k, n, p) <= binomial_tail(max(0, k - 1), n, p) + 1e-12
    assert binomial_tail(n, n, p) == pytest.approx(p**n)


def shares_of(hits: dict[str, tuple[int, int]]) -> dict[str, bool]:
    sources = np.array([name for name, (_, rows) in hits.items() for _ in range(rows)], object)
    flagged = np.array([row < some for some, rows in hits.values() for row in range(rows)])
    return {part.source: part.stands_out for part in source_shares(sources, flagged)}


def test_who_has_many_more_than_the_others_stands_out() -> None:
    assert shares_of({"a": (30, 100), "b": (3, 100), "c": (2, 100)}) == {"a": True, "b": False, "c": False}


def test_a_small_source_with_one_hit_is_chance_and_a_lone_source_has_nobody_beside_it() -> None:
    assert not any(shares_of({"tiny": (1, 2), "b": (1, 100), "c": (1, 100)}).values())
    assert shares_of({"all": (50, 100)}) == {"all": False}


def test_elsewhere_is_the_share_of_all_others() -> None:
    sources = np.array(["a"] * 10 + ["b"] * 30, object)
    part = source_shares(sources, np.arange(40) < 13)[0]
    assert (part.rows, part.flagged, part.elsewhere) == (10, 10, 0.1)
