import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from caponier.errors import InputError
from caponier.telemetry.labelled_data import archive


def saved(tmp_path: Path, **arrays: object) -> bytes:
    np.savez_compressed(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    return (tmp_path / "a.npz").read_bytes()


def test_other_arrays_are_kept_with_the_rows(tmp_path: Path) -> None:
    x = np.eye(3)
    x[1, 1] = np.nan
    data = saved(tmp_path, x=x, y=[0, 1, 0], weight=[1, 2, 3], names=["u", "v"])
    found = archive.read(Path("a.npz"), data, "d")
    assert isinstance(found.content, dict)
    assert found.content["weight"].tolist() == [1, 3]
    assert found.content["names"].tolist() == ["u", "v"]
    assert found.sha256 == "d"


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    data = saved(tmp_path, x=np.eye(50), y=np.arange(50))
    with pytest.raises(InputError, match="broken"):
        archive.read(Path("a.npz"), data[: len(data) // 2], "d")


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    data = bytearray(saved(tmp_path, x=np.random.default_rng(0).normal(size=(50, 9)), y=np.arange(50)))
    data[200:300] = bytes(100)
    with pytest.raises(InputError):
        archive.read(Path("a.npz"), bytes(data), "d")


def test_a_spreadsheet_is_no_archive_of_arrays() -> None:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as sheets:
        sheets.writestr("[Content_Types].xml", "<Types/>")
        sheets.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(InputError, match="no NumPy array") as refused:
        archive.read(Path("a.xlsx"), book.getvalue(), "d")
    assert "as CSV" in str(refused.value.hint)


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="members"):
        archive.read(Path("a"), saved(tmp_path, **{f"a{n}": [n] for n in range(70)}), "d")


def test_whole_floats_and_bytes_are_plain_labels(tmp_path: Path) -> None:
    floats = archive.read(Path("a"), saved(tmp_path, x=np.eye(2), y=[3.0, 4.0]), "d")
    assert floats.classes == ("3", "4")
    words = archive.read(Path("a"), saved(tmp_path, x=np.eye(2), y=[b"u", b"v"]), "d")
    assert words.classes == ("u", "v")
