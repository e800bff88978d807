"""Archives: what holds another archive, what is broken, and what is left on the disk."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from caponier.errors import InputError
from caponier.telemetry.events import read_events
from caponier.telemetry.readers import archives
from caponier.telemetry.readers.archives import is_archive, unpacked
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.streams import head_of

LOG = b'{"time": "2026-05-01T12:00:00Z"}\n' * 200


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where archives are unpacked."""
    found = tmp_path / "unpacked"
    found.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(found))
    return found


def tar(path: Path, mode: str = "w", **held: bytes) -> Path:
    with tarfile.open(path, mode) as out:  # type: ignore[call-overload]
        for name, content in held.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            out.addfile(about, io.BytesIO(content))
    return path


def zipped(how: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as held:
        held.writestr("inner.jsonl", LOG)
    return out.getvalue()


def files(path: Path) -> set[str]:
    root = unpacked(path)
    return {str(one.relative_to(root)) for one in root.rglob("*") if one.is_file()}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_whose_last_file_is_a_zip_is_a_tar(mode: str, tmp_path: Path) -> None:
    assert files(tar(tmp_path / "logs.tar", mode, log=LOG, last=zipped())) == {"log", "last"}


def test_one_is_unpacked_once(tmp_path: Path) -> None:
    path = tar(tmp_path / "logs.tar", log=LOG)
    assert unpacked(path) == unpacked(path)


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_what_is_broken_is_said_to_be_and_leaves_nothing(how: int, tmp_path: Path, folder: Path) -> None:
    content = bytearray(zipped(how))
    content[50:90] = bytes(one ^ 0x5A for one in content[50:90])
    path = tmp_path / "logs.zip"
    path.write_bytes(content)
    assert is_archive(path, head_of(path))
    with pytest.raises(InputError, match="cannot be read"):
        unpacked(path)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_tar_that_breaks_off_is_none(cut: float, tmp_path: Path, folder: Path) -> None:
    whole = tar(tmp_path / "whole.tar", log=bytes(range(256)) * 400).read_bytes()
    path = tmp_path / "logs.tar.xz"
    path.write_bytes(lzma.compress(whole[: int(cut * 102_400)]))
    with pytest.raises(InputError, match="cannot be read"):
        unpacked(path)
    assert not list(folder.iterdir())


def test_what_holds_too_much_leaves_nothing(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LEAST", 100)
    monkeypatch.setattr(archives, "DENSEST", 0)
    with pytest.raises(InputError, match="more than its size"):
        unpacked(tar(tmp_path / "logs.tar", log=LOG))
    assert not list(folder.iterdir())


@pytest.mark.parametrize("head", [b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"BZh9"])
def test_what_only_begins_like_something_packed_is_no_archive(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(head + b"nothing of the kind" * 40)
    assert not is_archive(path, head_of(path))


def test_one_that_lies_in_a_folder_is_read_and_a_broken_one_is_told(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "june.zip").write_bytes(zipped()[:60])
    (logs / "other.gz").write_bytes(b"nothing")
    about = {"time": "2026-05-01T12:00:00Z", "model": "m", "operation": "predict", "principal": "k-0123456789abcdef"}
    tar(logs / "may.tgz", "w:gz", **{"may.jsonl": json.dumps(about).encode()})
    (logs / "july.jsonl").write_text(json.dumps(about) + "\n")
    with RejectedRows() as rejected:
        found = list(read_events([logs], rejected))
    assert {Path(part.source).parent.name for part in found if part.batch.num_rows} == {"logs", "may.tgz"}
    assert [Path(one.file).name for one in rejected.first] == ["june.zip"]
    assert "cannot be read" in rejected.first[0].reason


PACKED = {
    ".tar": bytes,
    ".tar.gz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tbz2": bz2.compress,
    ".tar.xz": lzma.compress,
    ".tar.zst": lambda plain: pa.compress(plain, "zstd", asbytes=True),
}


@pytest.mark.parametrize("suffix", PACKED)
def test_one_in_a_folder_is_read_however_it_is_packed(suffix: str, tmp_path: Path) -> None:
    about = {"time": "2026-05-01T12:00:00Z", "model": "m", "operation": "predict", "principal": "k-0123456789abcdef"}
    plain = tar(tmp_path / "plain", **{"may.jsonl": json.dumps(about).encode()}).read_bytes()
    (logs := tmp_path / "logs").mkdir()
    (logs / f"may{suffix}").write_bytes(PACKED[suffix](plain))
    assert sum(part.batch.num_rows for part in read_events([logs], RejectedRows())) == 1


def test_many_in_a_folder_unpack_together_to_no_more_than_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LEAST", 5_000)
    monkeypatch.setattr(archives, "DENSEST", 0)
    monkeypatch.setattr(archives, "_sizes", {})
    for name in "abc":
        tar(tmp_path / f"{name}.tgz", "w:gz", **{f"{name}.jsonl": b"{}" + b" " * 3_000})
    with RejectedRows() as rejected:
        list(read_events([tmp_path], rejected))
    assert sum("holds more than" in one.reason for one in rejected.first) == 2
    assert sum(archives._sizes.values()) <= 5_000
    # Whoever names one has said that he wants it.
    assert unpacked(tmp_path / "c.tgz").is_dir()
