"""Laws of a repair: no row is lost or invented, none changes but for a label, and labels stay as they were written."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.remediate.dataset_file import Repair, labels_after, quarantined, repaired
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.labelled_data.datasets import read_dataset

ROWS = 9
KINDS = ["npz", "csv", "parquet"]
LABELS: dict[str, Any] = {
    "numbers": np.array([3, 1, 2] * 3),
    "small numbers": np.array([3, 1, 2] * 3, np.int8),
    "floats": np.array([0.5, 1.0, 2.25] * 3),
    "words": np.array(["cat", "dog", 'a cow, "big"'] * 3),
    "words of other alphabets": np.array(["\u00e9t\u00e9", "\u732b", "x"] * 3),
    "truths": np.array([True, False, True] * 3),
    "bytes": np.array(["\u00e9".encode(), b"b", b"c"] * 3),
    "the word nan": np.array(["nan", "N/A", "1"] * 3),
}
flags = st.lists(st.booleans(), min_size=ROWS, max_size=ROWS).filter(lambda drawn: not all(drawn)).map(np.array)
suggestions = st.lists(st.integers(-1, 1), min_size=ROWS, max_size=ROWS).map(np.array)


def written(folder: Path, kind: str, labels: Any) -> Dataset:
    """A data set of nine rows in a format; the archive alone can hold bytes."""
    path = folder / f"rows.{kind}"
    x = np.arange(2 * ROWS, dtype=np.float32).reshape(ROWS, 2)
    if kind == "npz":
        np.savez(path, x=x, y=labels, source=[f"s{n % 2}" for n in range(ROWS)], note=np.array("kept"))
        return read_dataset(path)
    plain = [str(label) for label in labels] if kind == "csv" else labels.tolist()
    columns = {"a": x[:, 0].tolist(), "word": ["x", "y", ""] * 3, "label": plain}
    if kind == "parquet":
        pq.write_table(pa.table(columns), path)
    else:
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
    return read_dataset(path, Columns(label="label"))


def again(folder: Path, kind: str, data: bytes) -> Dataset:
    path = folder / f"new.{kind}"
    path.write_bytes(data)
    return read_dataset(path, None if kind == "npz" else Columns(label="label"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("repairs")


def kinds_of(name: str) -> list[str]:
    return ["npz"] if name == "bytes" else KINDS


CASES = [(kind, name) for name in LABELS for kind in kinds_of(name)]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_repair_of_nothing_is_the_same_data_set(kind: str, name: str, folder: Path) -> None:
    one = written(folder, kind, LABELS[name])
    keep, labels = labels_after(one, np.zeros(ROWS, bool), np.full(ROWS, -1), Repair.RELABEL)
    other = again(folder, kind, repaired(one, keep, labels))
    assert other.given == one.given
    assert other.classes == one.classes
    np.testing.assert_array_equal(other.x, one.x)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_better_label_is_written_as_its_own_rows_write_it(kind: str, name: str, folder: Path) -> None:
    one = written(folder, kind, LABELS[name])
    flagged, suggested = np.arange(ROWS) == 4, np.full(ROWS, (one.y[4] + 1) % len(one.classes))
    keep, labels = labels_after(one, flagged, suggested, Repair.RELABEL)
    other = again(folder, kind, repaired(one, keep, labels))
    expected = [one.classes[suggested[4]] if row == 4 else given for row, given in enumerate(one.given)]
    assert other.given == expected


@given(st.sampled_from(CASES), flags, suggestions, st.sampled_from(list(Repair)))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_row_is_lost_and_none_is_invented(
    folder: Path, case: tuple[str, str], flagged: np.ndarray, suggested: np.ndarray, repair: Repair
) -> None:
    kind, name = case
    one = written(folder, kind, LABELS[name])
    keep, labels = labels_after(one, flagged, suggested, repair)
    if not keep.any():
        return
    other = again(folder, kind, repaired(one, keep, labels))
    assert len(other) == int(keep.sum())
    assert other.given == [one.classes[label] for label in labels[keep]]
    first = [row[0] for row in one.x[keep].tolist()]
    assert [row[0] for row in other.x.tolist()] == first, "the rows and their order"
    unflagged = [given for given, flag in zip(one.given, flagged, strict=True) if not flag]
    kept = [flag for flag, stays in zip(flagged, keep, strict=True) if stays]
    assert [given for given, flag in zip(other.given, kept, strict=True) if not flag] == unflagged


@given(st.sampled_from(CASES), flags.filter(lambda drawn: drawn.any()), suggestions)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_side_file_has_the_flagged_rows_as_they_came(
    folder: Path, case: tuple[str, str], flagged: np.ndarray, suggested: np.ndarray
) -> None:
    kind, name = case
    one = written(folder, kind, LABELS[name])
    side = again(folder, kind, quarantined(one, flagged, suggested, np.linspace(0, 1, ROWS)))
    assert side.given == [given for given, flag in zip(one.given, flagged, strict=True) if flag]
    assert [row[0] for row in side.x.tolist()] == [row[0] for row in one.x[flagged].tolist()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_side_file_that_is_judged_again_keeps_its_columns(kind: str, folder: Path) -> None:
    """Its own columns have the names that the next side file would give to its."""
    one = written(folder, kind, LABELS["numbers"])
    all_rows, none = np.ones(ROWS, bool), np.full(ROWS, -1)
    first = quarantined(one, all_rows, none, np.zeros(ROWS))
    second = quarantined(again(folder, kind, first), all_rows, none, np.ones(ROWS))
    expected = {"caponier_id", "caponier_suggested", "caponier_score", "caponier_score_2", "caponier_id_2"}
    if kind == "npz":
        with np.load(io.BytesIO(second), allow_pickle=False) as arrays:
            assert expected <= set(arrays)
            assert arrays["caponier_score"].tolist() == [0.0] * ROWS
            assert arrays["caponier_score_2"].tolist() == [1.0] * ROWS
    elif kind == "csv":
        rows = list(csv.reader(io.StringIO(second.decode())))
        assert expected <= set(rows[0])
        assert {len(row) for row in rows} == {len(rows[0])}
    else:
        assert expected <= set(pq.read_table(io.BytesIO(second)).column_names)


def test_what_is_no_row_stays_whole(folder: Path) -> None:
    one = written(folder, "npz", LABELS["numbers"])
    keep, labels = labels_after(one, np.arange(ROWS) < 4, np.full(ROWS, -1), Repair.DROP)
    with np.load(io.BytesIO(repaired(one, keep, labels)), allow_pickle=False) as arrays:
        assert arrays["note"] == "kept"
        assert arrays["y"].dtype == LABELS["numbers"].dtype
        assert arrays["x"].dtype == np.float32


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 0, 2]])
def test_classes_have_one_order_whatever_the_order_of_rows(order: list[int], folder: Path) -> None:
    """A class called nan is neither before nor behind a number, and must not decide by where it stands."""
    labels = np.array(["nan", "2", "10"])[order]
    path = folder / "order.csv"
    path.write_text("a,label\n" + "".join(f"{n},{label}\n" for n, label in enumerate(labels)))
    assert read_dataset(path, Columns(label="label")).classes == ("2", "10", "nan")
