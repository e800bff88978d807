import os
import socket
from pathlib import Path

import pytest

from caponier.errors import InputError
from caponier.formats.walk_files import read_file, shown, walk


def found(*paths: Path) -> list[tuple[str, str | None]]:
    return [(file.path.name, file.problem) for file in walk(paths)]


def test_files_come_in_order_folders_inside_out(tmp_path: Path) -> None:
    for name in ("b", "a/c", "a/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert found(tmp_path) == [("b", None), ("c", None), ("b", None)]


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        found(tmp_path / "missing")


def test_links_to_files_and_folders_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "model").write_bytes(b"x")
    (tmp_path / "z-link").symlink_to(tmp_path / "real" / "model")
    assert found(tmp_path) == [("model", None), ("z-link", None)]
    assert read_file(tmp_path / "z-link", 1) == b"x"


def test_loops_of_links_end_and_are_told(tmp_path: Path) -> None:
    (tmp_path / "up").symlink_to(tmp_path)
    (tmp_path / "round").symlink_to(tmp_path / "round")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    problems = dict(found(tmp_path))
    assert problems["up"] == "is a link to a folder above it: a loop"
    assert (problems["round"] or "").startswith("is a link that leads nowhere")
    assert (problems["nowhere"] or "").startswith("is a link that leads nowhere")


def test_pipes_and_sockets_are_never_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert found(tmp_path) == [("pipe", "is a pipe, not a file"), ("socket", "is a socket, not a file")]
    with pytest.raises(OSError, match="no regular file"):
        read_file(tmp_path / "pipe", 1)


def test_names_that_are_no_text_are_shown(tmp_path: Path) -> None:
    name = os.fsdecode(b"odd-\xff")
    (tmp_path / name).write_bytes(b"")
    assert shown(next(iter(walk([tmp_path]))).path).endswith("odd-\\xff")
