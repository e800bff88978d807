from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.telemetry.labelled_data import dataset
from caponier.telemetry.labelled_data.dataset import Dataset, check_ids, check_size, encode_labels


def table(*features: str, rows: int = 2) -> Dataset:
    x = np.arange(rows * len(features), dtype=float).reshape(rows, len(features))
    y, classes, values = encode_labels(["a", "b"][:rows])
    ids = tuple(map(str, range(rows)))
    return Dataset(Path("t.csv"), "", "csv", x, y, classes, ids, None, {}, features, "y", values)


def test_numbers_are_in_their_order_and_words_after_them() -> None:
    y, classes, values = encode_labels([10, 2, "x", 2])
    assert classes == ("2", "10", "x")
    assert y.tolist() == [1, 0, 2, 0]
    assert values == (2, 10, "x")


@given(st.lists(st.one_of(st.integers(), st.text(max_size=5)), min_size=1))
def test_labels_can_be_written_back(labels: list[int | str]) -> None:
    y, classes, values = encode_labels(labels)
    assert [str(values[label]) for label in y] == [classes[label] for label in y] == [str(label) for label in labels]


def test_features_are_found_by_name() -> None:
    here, there = table("a", "b", "c"), table("c", "x", "a")
    assert here.aligned(there).tolist() == [[2, 0, 0], [5, 0, 3]]


@pytest.mark.parametrize("other", [table("x", "y", "a"), replace(table("a"), features=())])
def test_what_describes_other_things_is_refused(other: Dataset) -> None:
    with pytest.raises(InputError, match="does not have the features"):
        table("a", "b", "c").aligned(other)


def test_rows_keep_what_belongs_to_them() -> None:
    part = replace(table("a"), sources=("s", "t")).rows([1], np.array([0, 0]))
    assert (part.ids, part.sources, part.given, part.x.tolist()) == (("1",), ("t",), ["a"], [[1]])


def test_unusable_ids_are_named() -> None:
    faults = check_ids(["a", "", "a", "x" * (dataset.NAME_LIMIT + 1)])
    assert sorted(faults) == [1, 2, 3]


def test_too_many_values_are_refused_before_they_are_held() -> None:
    with pytest.raises(InputError, match="more than"):
        check_size(Path("a"), 2**20, 2**10)
