import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.errors import InputError
from caponier.telemetry.labelled_data import datasets
from caponier.telemetry.labelled_data.dataset import Columns, in_range
from caponier.telemetry.labelled_data.datasets import read_dataset


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def text(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_an_archive_comes_with_places_as_ids(tmp_path: Path) -> None:
    x = np.arange(24, dtype=np.float32).reshape(3, 2, 4)
    found = read_dataset(npz(tmp_path / "a.npz", x=x, y=[3, 10, 3], source=["a", "b", "a"]))
    assert found.x.shape == (3, 8)
    assert found.classes == ("3", "10")
    assert found.given == ["3", "10", "3"]
    assert found.ids == ("0", "1", "2")
    assert found.sources == ("a", "b", "a")
    assert found.label_values == (3, 10)


def test_the_type_is_told_by_content(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", x=np.eye(2), y=["u", "v"]).rename(tmp_path / "renamed.csv")
    assert read_dataset(path).kind == "npz"


def test_bad_rows_of_an_archive_are_rejected_and_the_rest_goes_on(tmp_path: Path) -> None:
    x = np.ones((5, 2))
    x[1, 0], x[3, 1] = np.nan, np.inf
    found = read_dataset(npz(tmp_path / "a.npz", x=x, y=[0.0, 1, 1, 0, np.nan], id=["a", "b", "c", "d", "e"]))
    assert found.ids == ("a", "c")
    reasons = [(rejection.line, rejection.reason) for rejection in found.rejections]
    assert reasons == [(1, "x holds NaN or infinity"), (3, "x holds NaN or infinity"), (4, "no label")]


def test_a_repeated_id_is_rejected_the_second_time(tmp_path: Path) -> None:
    found = read_dataset(npz(tmp_path / "a.npz", x=np.eye(3), y=[0, 1, 0], id=["a", "a", "b"]))
    assert found.ids == ("a", "b")
    assert "same id" in found.rejections[0].reason


class Canary:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("canary-was-executed"),)


def test_pickles_are_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.npz"
    np.savez(path, x=np.eye(2), y=np.array([Canary(), Canary()], object))
    with pytest.raises(InputError, match="pickled objects"):
        read_dataset(path)
    assert not (tmp_path / "canary-was-executed").exists()


def test_a_header_that_claims_more_than_there_is_costs_no_memory(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**40,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + b"\0" * 64)
        archive.writestr("y.npy", header.getvalue())
    with pytest.raises(InputError, match="shorter than its header"):
        read_dataset(tmp_path / "a.npz")


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caponier.telemetry.labelled_data.archive.UNPACKED_LIMIT", 10_000)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", b"\0" * 1_000_000)
    with pytest.raises(InputError, match="unpacked"):
        read_dataset(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"x": np.eye(2)}, "no array 'y'"),
        ({"x": np.eye(2), "y": [0, 1, 2]}, "y has the shape"),
        ({"x": np.eye(2), "y": np.eye(2)}, "y has the shape"),
        ({"x": np.array(["a", "b"]), "y": [0, 1]}, "not numbers"),
        ({"x": np.full((2, 2), np.nan), "y": [0, 1]}, "no row can be used"),
        ({"x": np.zeros((0, 2)), "y": np.zeros(0, int)}, "no row can be used"),
        ({"x": np.float64(1.0), "y": [0, 1]}, "y has the shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, arrays: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_dataset(npz(tmp_path / "a.npz", **arrays))


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04 and no archive", b"PAR1 and no table", b"\xff\xfe\x00", b"", b"one\n1\n"]
)
def test_garbage_is_refused_with_a_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_dataset(path, Columns(label="y"))


def test_a_large_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "FILE_LIMIT", 10)
    with pytest.raises(InputError, match="larger than"):
        read_dataset(npz(tmp_path / "a.npz", x=np.eye(2), y=[0, 1]))


def test_a_missing_file_and_a_missing_label_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_dataset(tmp_path / "none.npz")
    with pytest.raises(InputError, match="--label"):
        read_dataset(text(tmp_path / "a.csv", "a,b", "1,2"))
    with pytest.raises(InputError, match="no column 'c'"):
        read_dataset(text(tmp_path / "a.csv", "a,b", "1,2"), Columns(label="c"))


def test_columns_become_numbers_gaps_and_words(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "age,colour,y,who", "1,red,no,a", ",blue,yes,b", "3,red,no,a")
    found = read_dataset(path, Columns(label="y", source="who"))
    assert found.features == ("age", "age is missing", "colour=blue", "colour=red")
    assert found.x.tolist() == [[1, 0, 0, 1], [2, 1, 1, 0], [3, 0, 0, 1]]
    assert found.given == ["no", "yes", "no"]
    assert found.sources == ("a", "b", "a")
    assert found.ids == ("2", "3", "4")


def test_a_column_of_texts_is_left_out_and_named(tmp_path: Path) -> None:
    lines = [f"{n},text {n},{n % 2}" for n in range(100)]
    found = read_dataset(text(tmp_path / "a.csv", "n,t,y", *lines), Columns(label="y"))
    assert found.features == ("n",)
    assert "'t' is left out" in found.notes[0]


def test_bad_lines_are_rejected_with_line_and_reason(tmp_path: Path) -> None:
    good = [f"{n},{n % 2}" for n in range(20)]
    path = text(tmp_path / "a.csv", "n,y", *good[:5], "1,2,3", '"open,1', "7,", "seven,1", "inf,0", *good[5:])
    found = read_dataset(path, Columns(label="y"))
    assert [(rejection.line, rejection.reason.split(":")[0]) for rejection in found.rejections] == [
        (7, "bad CSV"),
        (8, "bad CSV"),
        (9, "no label"),
        (10, "n cannot be read"),
        (11, "n is infinite"),
    ]
    assert len(found) == 20
    assert found.x[:, 0].tolist() == list(range(20))


def test_parquet_gives_the_same_rows_as_csv(tmp_path: Path) -> None:
    table = pa.table({"a": [1.5, 2.0, None], "b": ["u", "v", "u"], "y": [1, 0, 1], "id": ["k", "l", "m"]})
    pq.write_table(table, tmp_path / "a.parquet")
    lines = ["a,b,y,id", "1.5,u,1,k", "2.0,v,0,l", ",u,1,m"]
    columns = Columns(label="y", id="id")
    one, other = (
        read_dataset(tmp_path / "a.parquet", columns),
        read_dataset(text(tmp_path / "a.csv", *lines), columns),
    )
    assert np.array_equal(one.x, other.x)
    assert (one.ids, one.given, one.features) == (other.ids, other.given, other.features)


def test_lists_of_a_parquet_column_are_features(tmp_path: Path) -> None:
    table = pa.table({"pixels": [[0.0, 1.0], [1.0, 0.0], [1.0], [None, 1.0]], "y": ["a", "b", "a", "b"]})
    pq.write_table(table, tmp_path / "a.parquet")
    found = read_dataset(tmp_path / "a.parquet", Columns(label="y"))
    assert found.x.tolist() == [[0, 1], [1, 0]]
    assert [rejection.line for rejection in found.rejections] == [3, 4]


def test_numbers_that_cannot_be_added_come_into_range_and_the_rows_stay_as_they_are(tmp_path: Path) -> None:
    archive = read_dataset(npz(tmp_path / "a.npz", x=np.array([[1e308, 7.0], [-1e300, 1e-80]]), y=[0, 1]))
    assert in_range(archive.x).tolist() == [[1e30, 7], [-1e30, 0]]
    assert archive.x.tolist() == [[1e308, 7], [-1e300, 1e-80]]
    small = np.array([[0.0, -3.5]])
    assert in_range(small) is small


def test_a_gap_among_numbers_that_cannot_be_added_is_filled_with_one_that_can(tmp_path: Path) -> None:
    lines = ["1.7e308,0,1", "1.7e308,1,2", "-1.7e308,0,3", ",1,4"]
    table = read_dataset(text(tmp_path / "a.csv", "a,y,b", *lines), Columns(label="y"))
    assert table.x[:, 0].tolist() == [1.7e308, 1.7e308, -1.7e308, 1e30]
    assert table.x[:, 1].tolist() == [0, 0, 0, 1]
