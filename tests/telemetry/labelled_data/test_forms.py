"""Data sets as people have them: the same rows, whatever form they come in."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
import zstandard

from caponier.errors import InputError
from caponier.remediate.dataset_file import repaired
from caponier.telemetry.labelled_data.dataset import Columns
from caponier.telemetry.labelled_data.datasets import read_dataset

TABLE = pa.table({"a": [1.5, 2.5, None], "word": ["u", "v", "u"], "y": ["p", "q", "p"]})
TEXT = "a,word,y\n1.5,u,p\n2.5,v,q\n,u,p\n"
LINES = b"".join(orjson.dumps(row) + b"\n" for row in TABLE.to_pylist())
Y = Columns(label="y")


def arrow(path: Path, make: Callable[..., ipc.RecordBatchStreamWriter]) -> None:
    with path.open("wb") as sink, make(sink, TABLE.schema) as out:
        out.write_table(TABLE)


FORMS: dict[str, Callable[[Path], object]] = {
    "t.csv": lambda path: path.write_text(TEXT),
    "t.tsv": lambda path: path.write_text(TEXT.replace(",", "\t")),
    "semicolon.csv": lambda path: path.write_text(TEXT.replace(",", ";")),
    "t.csv.gz": lambda path: path.write_bytes(gzip.compress(TEXT.encode())),
    "t.csv.zst": lambda path: path.write_bytes(zstandard.compress(TEXT.encode())),
    "t.jsonl": lambda path: path.write_bytes(LINES),
    "t.jsonl.gz": lambda path: path.write_bytes(gzip.compress(LINES)),
    "t.json": lambda path: path.write_bytes(orjson.dumps(TABLE.to_pylist())),
    "t.parquet": lambda path: pq.write_table(TABLE, path),
    "t.feather": lambda path: arrow(path, ipc.new_file),
    "t.arrow": lambda path: arrow(path, ipc.new_stream),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_the_same_rows(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    FORMS[name](path)
    found = read_dataset(path, Y)
    assert not found.rejections
    assert found.given == ["p", "q", "p"]
    assert found.features == ("a", "a is missing", "word=u", "word=v")
    assert found.x.tolist() == [[1.5, 0, 1, 0], [2.5, 0, 0, 1], [2.0, 1, 1, 0]]


@pytest.mark.parametrize("name", [name for name in FORMS if not name.endswith((".gz", ".zst", ".feather", ".arrow"))])
def test_a_repaired_file_is_of_the_same_form(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    FORMS[name](path)
    found = read_dataset(path, Y)
    again = tmp_path / "again"
    again.write_bytes(repaired(found, np.array([True, True, False]), found.y))
    kept = read_dataset(again, Y)
    assert (kept.kind, kept.delimiter, kept.given) == (found.kind, found.delimiter, ["p", "q"])


def test_a_folder_of_parts_is_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    pq.write_table(TABLE.slice(0, 2), folder / "part-0.parquet")
    pq.write_table(TABLE.slice(2), folder / "part-1.parquet")
    (folder / "_SUCCESS").touch()
    found = read_dataset(folder, Y)
    assert found.given == ["p", "q", "p"]
    first = found.sha256
    pq.write_table(TABLE.slice(0, 1), folder / "part-1.parquet")
    assert read_dataset(folder, Y).sha256 != first
    pq.write_table(TABLE.drop_columns(["a"]), folder / "part-1.parquet")
    with pytest.raises(InputError, match="columns are not those of"):
        read_dataset(folder, Y)


def test_what_hugging_face_saved(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "dataset_info.json").write_text("{}")
    (folder / "state.json").write_text("{}")
    arrow(folder / "data-00000-of-00001.arrow", ipc.new_stream)
    arrow(folder / "cache-0123.arrow", ipc.new_stream)
    assert len(read_dataset(folder, Y)) == 3
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    (folder / "train").mkdir()
    with pytest.raises(InputError, match="several splits") as wrong:
        read_dataset(folder, Y)
    assert "train" in str(wrong.value)


def test_pictures_in_a_folder_for_each_class(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for label, grey in (("cat", 0), ("dog", 255)):
        (tmp_path / "set" / label).mkdir(parents=True)
        for number in range(2):
            file = io.BytesIO()
            image.new("L", (20, 20), grey).save(file, "PNG")
            (tmp_path / "set" / label / f"{number}.png").write_bytes(file.getvalue())
    (tmp_path / "set" / "cat" / "broken.png").write_bytes(b"no picture")
    (tmp_path / "set" / "stray.png").write_bytes(b"")
    found = read_dataset(tmp_path / "set")
    assert found.given == ["cat", "cat", "dog", "dog"]
    assert found.x.shape == (4, 256)
    assert (found.x[0].max(), found.x[-1].min()) == (0, 1)
    assert found.ids[0] == "cat/0.png"
    assert len(found.rejections) == 2


def test_features_and_what_is_none(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(TEXT)
    assert read_dataset(path, Columns(label="y", features=("word",))).features == ("word=u", "word=v")
    assert read_dataset(path, Columns(label="y", exclude=("word",))).features == ("a", "a is missing")
    with pytest.raises(InputError, match="no column 'wrd'"):
        read_dataset(path, Columns(label="y", features=("wrd",)))


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("t.csv.gz", gzip.compress(TEXT.encode(), mtime=0)[:-9], "cannot be unpacked"),
        ("t.arrow", b"\xff\xff\xff\xff broken", "Arrow file cannot be read"),
        ("t.feather", b"ARROW1 broken", "Arrow file cannot be read"),
        ("t.bin", b"\x80\x81", "neither"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=says) as wrong:
        read_dataset(path, Y)
    assert name in str(wrong.value)


def test_bad_lines_of_json_are_rejected_by_line(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(LINES + b"{\n[1]\n" + LINES)
    found = read_dataset(path, Y)
    assert len(found) == 6
    assert [(one.line, one.reason.split(":")[0]) for one in found.rejections] == [(4, "bad JSON"), (5, "bad JSON")]


def test_an_empty_folder_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no data set"):
        read_dataset(tmp_path, Y)
