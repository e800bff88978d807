"""Folders that would keep a scan busy for ever, or stop it: every file is still looked at, once for each true place."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.app.scan.artifact import scan_artifact
from caponier.app.scan.ignored_files import read_ignored
from caponier.detect.artifact import Verdict
from caponier.errors import InputError
from caponier.formats.walk_files import walk
from pace import Stopwatch

HARMFUL = b"cos\nsystem\n(S'id'\ntR."


def test_folders_of_links_to_folders_of_links_are_walked_once(tmp_path: Path) -> None:
    """Thirty folders with two links each to the next one: a billion paths."""
    folders = [tmp_path / f"{number:02}" for number in range(30)]
    for folder in folders:
        folder.mkdir()
        (folder / "model").write_bytes(HARMFUL)
    for folder, following in pairwise(folders):
        (folder / "left").symlink_to(following)
        (folder / "right").symlink_to(following)
    with Stopwatch() as watch:
        found = list(walk([tmp_path]))
    assert watch.seconds < 5
    assert {file.path.resolve() for file in found} == {folder / "model" for folder in folders}
    assert len(found) < 30 * 31


@contextmanager
def deep(top: Path, name: str, depth: int) -> Iterator[None]:
    """Folders in folders, deeper than a path can say, taken away one by one: nothing else could."""
    here = os.getcwd()
    os.chdir(top)
    try:
        for _ in range(depth):
            os.mkdir(name)
            os.chdir(name)
        Path("model").write_bytes(HARMFUL)
        os.chdir(here)
        yield
    finally:
        os.chdir(top)
        for _ in range(depth):
            os.chdir(name)
        Path("model").unlink()
        for _ in range(depth):
            os.chdir("..")
            os.rmdir(name)
        os.chdir(here)


def test_folders_may_go_deeper_than_python(tmp_path: Path) -> None:
    with deep(tmp_path, "d", 1_100):
        found = list(walk([tmp_path]))
        assert [(file.path.name, file.problem) for file in found] == [("model", None)]
        assert scan_artifact([tmp_path]).scanned[0].verdict is Verdict.UNSAFE


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    with deep(tmp_path, "d" * 200, 25):
        problems = [file.problem or "" for file in walk([tmp_path])]
        assert len(problems) == 1
        assert problems[0].startswith("cannot be")
        assert scan_artifact([tmp_path]).scanned[0].verdict is Verdict.UNKNOWN


def test_a_folder_behind_a_link_and_a_true_folder_are_both_walked(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "model").write_bytes(HARMFUL)
    (tmp_path / "a-link").symlink_to(tmp_path / "real")
    (tmp_path / "z-link").symlink_to(tmp_path / "real")
    places = [str(file.path.relative_to(tmp_path)) for file in walk([tmp_path])]
    assert places == ["a-link/model", "real/model"]


def test_a_folder_that_may_not_be_listed_is_told(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may list everything")
    (tmp_path / "closed").mkdir(mode=0)
    try:
        assert [file.problem for file in walk([tmp_path])] == ["cannot be listed: Permission denied"]
    finally:
        (tmp_path / "closed").chmod(0o700)


trees = st.dictionaries(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join),
    st.sampled_from([b"N.", HARMFUL]),
    max_size=6,
)
links = st.lists(st.tuples(st.sampled_from(["l1", "a/l2", "b/l3"]), st.sampled_from(["", "a", "b", "a/b"])), max_size=4)


@given(trees, links)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_true_file_is_found_whatever_links_there_are(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes], linked: list[tuple[str, str]]
) -> None:
    top = tmp_path_factory.mktemp("tree")
    for name, content in tree.items():
        path = top / name / "file"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name, target in linked:
        path = top / name
        if path.parent.is_dir() and not path.is_symlink() and (top / target).is_dir():
            path.symlink_to(top / target)
    expected = {path for path in top.rglob("file") if path.is_file()}
    found = [file.path for file in walk([top]) if file.problem is None]
    assert len(found) == len(set(found)), "no path twice"
    assert {path for path in expected if not any(part.is_symlink() for part in path.parents)} <= set(found)
    assert [file.path for file in walk([top]) if file.problem is None] == found, "the same order each time"


ENTRY = "ignore:\n- sha256: {digest}\n  reason: {reason}\n  expires: {expires}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ignore",
        "ignore: 3",
        "ignore: []\nmore: 1",
        "ignore: " + "[" * 2_000,
        ENTRY.format(digest="0" * 63, reason="x", expires="2030-01-01"),
        ENTRY.format(digest="g" * 64, reason="x", expires="2030-01-01"),
        ENTRY.format(digest="a" * 64, reason="''", expires="2030-01-01"),
        ENTRY.format(digest="a" * 64, reason="3", expires="2030-01-01"),
        ENTRY.format(digest="a" * 64, reason="x", expires="2030-01-01 10:00:00"),
        ENTRY.format(digest="a" * 64, reason="x", expires="soon"),
        ENTRY.format(digest="a" * 64, reason="!!python/object/apply:os.getcwd []", expires="2030-01-01"),
        "#" * (5 << 20) + "\n" + ENTRY.format(digest="a" * 64, reason="x", expires="2030-01-01"),
    ],
    ids=range(13),
)
def test_an_ignore_file_that_is_not_as_it_must_be_ignores_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "ignore.yaml").write_text(text)
    with pytest.raises(InputError):
        read_ignored(tmp_path / "ignore.yaml")
