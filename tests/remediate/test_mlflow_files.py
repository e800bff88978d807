import hashlib
from pathlib import Path

import pytest

from caponier.errors import InputError
from caponier.remediate.mlflow_files import fetch
from caponier.remediate.mlflow_server import MlflowServer

SERVER = MlflowServer("http://127.0.0.1:9", {})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    root = tmp_path / "a version"
    (root / "data").mkdir(parents=True)
    (root / "data" / "b").write_bytes(b"b" * 3_000_000)
    (root / "a").write_bytes(b"a")
    return root


def test_files_beside_the_server_are_read_and_copied_as_they_are(files: Path, tmp_path: Path) -> None:
    found = fetch(SERVER, files.as_uri(), tmp_path / "copy")
    assert found
    assert (found.files, found.size) == (2, 3_000_001)
    lines = [f"{hashlib.sha256((files / name).read_bytes()).hexdigest()}  {name}\n" for name in ("a", "data/b")]
    assert found.digest == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert (tmp_path / "copy" / "data" / "b").read_bytes() == (files / "data" / "b").read_bytes()
    assert fetch(SERVER, str(files), None) == found


def test_a_name_counts_and_so_does_what_is_in_it(files: Path) -> None:
    before = fetch(SERVER, str(files), None)
    (files / "a").rename(files / "c")
    renamed = fetch(SERVER, str(files), None)
    (files / "c").write_bytes(b"c")
    assert len({before, renamed, fetch(SERVER, str(files), None)}) == 3


def test_links_nothing_and_stores_of_others(files: Path, tmp_path: Path) -> None:
    assert fetch(SERVER, "s3://bucket/model", None) is None
    assert fetch(SERVER, f"file://elsewhere{files}", None) is None
    assert fetch(SERVER, str(tmp_path / "none"), None) is None
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no files"):
        fetch(SERVER, str(tmp_path / "empty"), None)
    (files / "link").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="links"):
        fetch(SERVER, str(files), None)
