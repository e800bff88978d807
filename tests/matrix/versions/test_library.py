"""What is imported is kept whole, comes back equal, and never stands in the place of something else."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from caponier.errors import InputError
from caponier.matrix.versions import catalogue, release_file
from caponier.matrix.versions.library import Library
from caponier.matrix.versions.release import Countermeasure, Release


def release(version: str = "team-1") -> Release:
    matrix = replace(catalogue.load("amltm-2020"), version=version)
    return Release(matrix, "caponier", "ab" * 32, (Countermeasure("AML.M0000", "Name", ("AML.T0000",)),), ("a remark",))


def current_mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_without_a_folder_there_are_the_versions_that_ship():
    library = Library()
    assert library.versions() == catalogue.versions()
    assert library.load("amltm-2020") is catalogue.load("amltm-2020")
    with pytest.raises(InputError, match="no place for imported versions"):
        library.add(release())


def test_a_kept_release_comes_back_equal(tmp_path: Path):
    library = Library(tmp_path / "matrix")
    path = library.add(release())
    assert path == tmp_path / "matrix" / "team-1.json"
    assert library.versions() == (*catalogue.versions(), "team-1")
    assert library.release("team-1") == release()
    assert library.add(release()) == path
    assert path.stat().st_mode & 0o444 == 0o444 & ~current_mask()


def test_other_content_never_replaces_a_version(tmp_path: Path):
    library = Library(tmp_path)
    library.add(release())
    before = (tmp_path / "team-1.json").read_bytes()
    with pytest.raises(InputError, match="there already") as refused:
        library.add(replace(release(), remarks=()))
    assert f"delete {tmp_path / 'team-1.json'} first" in (refused.value.hint or "")
    with pytest.raises(InputError, match="there already"):
        library.add(release("atlas-5.6"))
    assert (tmp_path / "team-1.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["team-1.json"]


@pytest.mark.parametrize("name", ["../up", "", ".hidden", "Team", "a" * 65, "a/b"])
def test_a_version_is_never_a_path(tmp_path: Path, name: str):
    with pytest.raises(InputError, match="cannot be called"):
        Library(tmp_path).add(release(name))


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path):
    library = Library(tmp_path)
    path = library.add(release())
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"team-1\.json"):
        library.load("team-1")
    path.write_bytes(release_file.to_bytes(release()).replace(b'"AMLTM.INIT.02"', b'"AMLTM.INIT.03"'))
    with pytest.raises(InputError, match=r"is there twice|not there"):
        library.load("team-1")


def test_what_cannot_be_read_is_an_error_that_names_it(tmp_path: Path):
    (tmp_path / "team-1.json").mkdir()
    (tmp_path / "team-2.json").symlink_to("nowhere")
    for name in ("team-1", "team-2"):
        with pytest.raises(InputError, match="cannot be read") as wrong:
            Library(tmp_path).load(name)
        assert wrong.value.where == str(tmp_path / f"{name}.json")
    with pytest.raises(InputError, match="cannot be read"):
        Library(tmp_path).add(release("team-1"))


def test_an_unknown_version_names_the_nearest(tmp_path: Path):
    library = Library(tmp_path)
    library.add(release("atlas-4.4.0"))
    with pytest.raises(InputError, match=r"Did you mean 'atlas-4\.4\.0"):
        library.load("atlas-4.4.1")
