"""A share says the same in the database and in arrays, and shares together are everybody."""

import duckdb
import numpy as np
import pytest

from caponier.engines.shares import EVERYBODY, Share

BUCKETS = np.random.default_rng(0).integers(0, 2**32, 500)


@pytest.mark.parametrize("share", [EVERYBODY, Share(1, 4, 1, 2), Share(16, 5, 0, 1), Share(1024, 10_000, 0, 700)])
def test_the_database_and_arrays_agree(share: Share) -> None:
    table = "select unnest($1::bigint[]) as bucket"
    held = duckdb.execute(f"select {share.sql} from ({table})", [BUCKETS.tolist()]).fetchnumpy()
    assert np.array_equal(next(iter(held.values())), share.holds(BUCKETS))


def test_shares_together_are_everybody() -> None:
    assert sum(Share(16, 5, fold, fold + 1).holds(BUCKETS).astype(int) for fold in range(5)).tolist() == [1] * 500
    assert EVERYBODY.holds(BUCKETS).all()
