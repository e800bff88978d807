"""What a notebook hands over: paths, tables, frames of any library that speaks Arrow, and rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import caponier
from caponier.app.notebook.given import dataset_of, features_of, log_of, table_of, workspace_of
from caponier.app.workspace.workspace import create_workspace
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.labelled_data.datasets import read_dataset

TABLE = pa.table({"a": [1, 2]})


class Frame:
    """As polars and others have it: no class of ours or Arrow's, only a stream."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return TABLE.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("rows", [TABLE, Frame(), [{"a": 1}, {"a": 2}]], ids=["arrow", "frame", "rows"])
def test_rows_in_whatever_form_are_one_table(rows: object) -> None:
    assert table_of(rows).to_pydict() == {"a": [1, 2]}


@pytest.mark.parametrize("rows", [np.zeros((3, 2)), [], [1, 2], 7, None])
def test_what_does_not_say_its_columns_is_refused(rows: object) -> None:
    with pytest.raises(InputError, match="which columns it has"):
        table_of(rows)


def test_paths_are_taken_as_they_are_and_tables_leave_nothing_behind(tmp_path: Path) -> None:
    for given in ("a.jsonl", Path("a.jsonl"), ["a.jsonl"]):
        with log_of(given) as paths:
            assert paths == [Path("a.jsonl")]
    with log_of(TABLE) as (file,):
        assert file.exists()
    assert not file.parent.exists()


def test_arrays_are_a_data_set_with_labels_sources_and_names() -> None:
    y = np.array(["cat", "dog"], object)
    with dataset_of(np.eye(2), y, ["ann", "bob"], np.array([7, 8])) as file:
        read = read_dataset(file)
    assert (read.classes, read.sources, read.ids) == (("cat", "dog"), ("ann", "bob"), ("7", "8"))


def test_features_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="have to be numbers"), dataset_of([[object()]], ["a"], None, None):
        pass


def test_features_are_described_as_in_the_workspace_file() -> None:
    spec = features_of({"kind": "image", "shape": [8, 8], "minimum": 0, "maximum": 1})
    assert spec == FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
    assert features_of(spec) is spec
    for wrong in ({"kind": "smell"}, {"colour": 1}):
        with pytest.raises(InputError, match="do not describe an input"):
            features_of(wrong)


def test_a_workspace_is_used_where_it_is_named(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    home = workspace_of(tmp_path)
    assert home
    assert home.root == tmp_path
    assert workspace_of(home) is home
    assert workspace_of(None) is None


X, Y = np.zeros((4, 2)), np.arange(4) % 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda: caponier.scan_dataset([[1], [1, 2]], [0, 1]), "^x: .*array"),
        (lambda: caponier.scan_dataset(X, Y[:3]), r"^what was given: y has the shape \(3,\), and x has 4 rows"),
        (lambda: caponier.scan_dataset(X * 1j, Y), "^what was given: x holds complex128"),
        (lambda: caponier.scan_dataset(pa.table({"a": [1]}), label="b"), "^what was given: there is no column 'b'"),
        (lambda: caponier.scan_inference([{"model": "m"}], 3), "a int is no baseline"),
        (lambda: caponier.scan_artifact(), "nothing was named"),
        (lambda: caponier.build_baseline([{"model": "m"}], alpha=2), "alpha is 2, and no share"),
        (lambda: caponier.build_baseline([{"model": "m"}], alpha=float("nan")), "alpha is nan"),
        (lambda: caponier.Recorder(3), "a int has neither predict"),
    ],
)
def test_what_cannot_be_meant_is_said_in_the_words_of_whoever_gave_it(asked: Callable[[], Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        asked()
