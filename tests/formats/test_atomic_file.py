import os
import stat
from pathlib import Path

import pytest

from caponier.errors import InputError
from caponier.formats.atomic_file import replacing, write_bytes, write_new


def test_a_file_is_written(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"\0one")
    assert (tmp_path / "a").read_bytes() == b"\0one"


def test_an_older_one_is_replaced(tmp_path: Path) -> None:
    for data in (b"a longer one", b"one"):
        write_bytes(tmp_path / "a", data)
    assert (tmp_path / "a").read_bytes() == b"one"


def test_nothing_else_stays_behind(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"")
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_others_may_read_it_as_any_file(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written") as wrong:
        write_bytes(tmp_path / "none" / "a", b"")
    assert str(tmp_path / "none") in str(wrong.value)


def test_a_folder_in_its_place_is_refused_and_nothing_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError):
        write_bytes(tmp_path / "a", b"")
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes(tmp_path / "a", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left"):
        write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_file_that_is_filled_step_by_step_takes_its_place_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with replacing(tmp_path / "a") as beside:
        beside.write_bytes(b"new")
        assert (tmp_path / "a").read_bytes() == b"old"
    assert (tmp_path / "a").read_bytes() == b"new"


def test_one_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    def fail(file: Path) -> None:
        with replacing(file) as beside:
            beside.write_bytes(b"half")
            raise ZeroDivisionError

    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        fail(tmp_path / "a")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"old")]


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "a").touch(0o600)
    write_bytes(tmp_path / "a", b"new")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_a_link_is_followed_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for data in (b"a longer one", b"one"):
        write_bytes(tmp_path / "link", data)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"one"


def test_a_device_is_written_to_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    write_bytes(tmp_path / "link", b"new")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_name_may_be_as_long_as_names_can_be(tmp_path: Path) -> None:
    write_bytes(tmp_path / ("a" * 255), b"one")
    assert write_new(tmp_path / ("b" * 255), b"one")


def test_the_caller_says_what_has_failed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^[^\n]*/a: the version cannot be kept: No such file or directory$"):
        write_bytes(tmp_path / "none" / "a", b"", failing="the version cannot be kept")


def test_a_new_file_is_written_once_and_with_its_mode(tmp_path: Path) -> None:
    assert write_new(tmp_path / "salt", b"one", 0o600)
    assert not write_new(tmp_path / "salt", b"two", 0o644)
    assert (tmp_path / "salt").read_bytes() == b"one"
    assert stat.S_IMODE((tmp_path / "salt").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["salt"]


def test_a_new_file_without_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written") as wrong:
        write_new(tmp_path / "none" / "a", b"")
    assert wrong.value.hint


def test_what_nobody_else_may_read_is_never_readable_by_them(tmp_path: Path) -> None:
    (tmp_path / "a").touch(0o600)
    with replacing(tmp_path / "a") as beside:
        assert stat.S_IMODE(beside.stat().st_mode) == 0o600
