import numpy as np
import pytest

from caponier.detect.enrichment import Rows
from caponier.detect.model_queries import variants
from caponier.detect.model_queries.variants import in_parts


@pytest.mark.parametrize(("values", "parts"), [(2**24, [7]), (24, [2, 2, 2, 1]), (1, [1] * 7)])
def test_rows_are_taken_as_many_as_memory_bears(values: int, parts: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "VALUES", values)
    taken = []

    def sums(rows: Rows) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        taken.append(len(rows))
        return np.asarray(rows.sum(axis=1), np.float64)

    rows = np.arange(21, dtype=np.float32).reshape(7, 3)
    assert in_parts(sums, rows, 4).tolist() == rows.sum(axis=1).tolist()
    assert taken == parts


def test_of_no_rows_there_are_no_values() -> None:
    assert in_parts(lambda rows: np.ones(len(rows)), np.zeros((0, 3), np.float32), 4).shape == (0,)
