"""What flagged rows are like, over data sets small, large and strange."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.app.scan import look_alikes as module
from caponier.app.scan.look_alikes import FEATURES, look_alikes
from caponier.telemetry.labelled_data.dataset import Dataset


def dataset(x: NDArray[np.float64], y: list[int], names: tuple[str, ...] = ()) -> Dataset:
    ids = tuple(f"r{at}" for at in range(len(x)))
    classes = tuple(f"c{at}" for at in range(max(y, default=0) + 1))
    labels = np.array(y, np.int64)
    return Dataset(Path("d.npz"), "0", "npz", x.astype(float), labels, classes, ids, None, {"x": x, "y": labels}, names)


def two_heaps(n: int = 20) -> Dataset:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, (n, 3)), rng.normal(9, 1, (n, 3))])
    return dataset(x, [0] * n + [1] * n, ("length", "width", "depth"))


def test_a_row_with_the_wrong_label_is_like_rows_of_the_other() -> None:
    data = two_heaps()
    data.y[5] = 1
    flagged = np.zeros(40, bool)
    flagged[5] = True
    (one,) = look_alikes(data, flagged, [5])
    assert one.row == 5
    assert one.other is not None
    assert one.other < 20
    assert one.same is not None
    assert one.same >= 20
    assert {difference.name for difference in one.differences} == {"length", "width", "depth"}


def test_no_row_is_like_itself_nor_like_a_flagged_one() -> None:
    data = dataset(np.array([[1.0], [1.0], [1.0], [5.0]]), [0, 0, 0, 1])
    flagged = np.array([True, False, True, False])
    for one in look_alikes(data, flagged, [0, 1, 2, 3]):
        assert one.same not in (one.row, 0, 2)
        assert one.other not in (one.row, 0, 2)


@pytest.mark.parametrize("flags", ["all", "none"])
def test_where_nothing_can_serve_as_an_example_there_is_none(flags: str) -> None:
    data = dataset(np.zeros((3, 2)), [0, 0, 0])
    found = look_alikes(data, np.full(3, flags == "all"), [0])
    assert found[0].other is None
    assert (found[0].same is None) == (flags == "all")
    assert found[0].differences == ()


def test_nobody_asks_nothing() -> None:
    assert look_alikes(two_heaps(), np.zeros(40, bool), []) == []


@pytest.mark.parametrize("rows", [9, 10, 11, 15, 19, 20, 21, 29, 30, 31])
def test_no_more_rows_are_compared_with_than_are_said(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REFERENCE", 10)
    seen: list[int] = []

    def counting(scaled: NDArray[np.float64], row: int, among: NDArray[np.int64]) -> None:
        seen.append(len(among))

    monkeypatch.setattr(module, "_nearest", counting)
    look_alikes(dataset(np.arange(rows, dtype=float)[:, None], [0] * rows), np.zeros(rows, bool), [0])
    same, other = seen
    # The row itself is no example.
    assert min(rows, 10) // 2 <= same + 1 + other <= 10


@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_it_names_the_nearest_and_the_largest_first(data: st.DataObject, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, width = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 40))
    x = rng.integers(0, data.draw(st.sampled_from([1, 2, 1_000])), (n, width)) * data.draw(
        st.sampled_from([1, 1e-9, 1e9])
    )
    y = rng.integers(0, 3, n).tolist()
    flagged = rng.random(n) < 0.3
    for one in look_alikes(dataset(x, y), flagged, range(n)):
        sizes = [difference.size for difference in one.differences]
        assert sizes == sorted(sizes, reverse=True)
        assert len(sizes) <= FEATURES
        for place, same in ((one.same, True), (one.other, False)):
            fit = [at for at in range(n) if not flagged[at] and at != one.row and (y[at] == y[one.row]) == same]
            assert (place in fit) if fit else (place is None)
