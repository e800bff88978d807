"""Where parts of archives land, against a file system that really unpacks them; and questions about long stretches."""

import errno
import os
from pathlib import Path, PurePosixPath
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.model_files.files import spans
from caponier.detect.model_files.files.places import Places, is_code

rooms = st.sampled_from(["a", "b", "..", ".", "", "c.pt"])
paths = st.lists(rooms, min_size=1, max_size=7).map("/".join)
links = st.lists(st.tuples(st.sampled_from(["a", "b", "a/b", "c.pt"]), paths), max_size=3)
many = settings(max_examples=200, deadline=None)


def climbs(path: str) -> bool:
    """Return whether a path is above its folder at any of its rooms, as a system walks it."""
    at = PurePosixPath("/home/in")
    for room in path.split("/"):
        at = PurePosixPath(os.path.normpath(at / room)) if room else at
        if not at.is_relative_to("/home/in"):
            return True
    return False


@many
@given(paths)
def test_a_part_that_climbs_out_is_harmful_and_no_other(path: str) -> None:
    harm, doubt = Places().part(path)
    assert (harm is not None) == (path.startswith("/") or climbs(path))
    assert doubt is None


@many
@given(paths)
def test_a_backslash_is_a_slash_for_those_who_take_it_for_one(path: str) -> None:
    windows = path.replace("/", "\\")
    assert (Places().part(windows)[0] is None) == (Places().part(path)[0] is None)


@pytest.mark.parametrize("path", ["C:a", "c:/windows", "Z:\\x", "/etc/passwd", "\\\\host\\share", "//host/share"])
def test_a_drive_or_a_root_is_outside(path: str) -> None:
    assert Places().part(path)[0] is not None


def in_a_circle(path: Path) -> bool:
    """Tell whether a system gives up on a path: links that lead to themselves lead nowhere."""
    try:
        path.stat()
    except OSError as refused:
        return refused.errno == errno.ELOOP
    return False


@many
@given(links, paths)
def test_whatever_a_system_writes_outside_is_harmful_or_doubtful(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[str, str]], path: str
) -> None:
    """Links are really made and followed: what lands elsewhere must have been told of before."""
    folder = tmp_path_factory.mktemp("unpacked") / "one" / "two" / "in"
    folder.mkdir(parents=True)
    places, told = Places(), False
    for name, target in made:
        told |= any(places.link(name, target))
        where = folder / name
        if where.parent.is_dir() and not where.is_symlink() and not where.exists() and target:
            where.symlink_to(target)
    told |= any(places.part(path))
    if not told and path and not in_a_circle(folder / path):
        assert Path(os.path.realpath(folder / path)).is_relative_to(os.path.realpath(folder))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a/b.py", True),
        ("A/B.PY", True),
        ("lib.so", True),
        ("__main__.txt", True),
        ("x/__main__", True),
        ("site.pth", True),
        ("model.pt", False),
        ("py", False),
        ("a.py/weights.bin", False),
        ("notes.py.txt", False),
        ("x__main__.txt", False),
    ],
)
def test_what_is_code_by_its_name(name: str, code: bool) -> None:
    assert is_code(name) is code


class TestSpans:
    """A piece is 16 MiB; here it is a few bytes, so that what lies over an edge is looked at."""

    @many
    @given(
        content=st.binary(max_size=60),
        what=st.binary(min_size=1, max_size=5),
        start=st.integers(0, 60),
        length=st.integers(0, 60),
        step=st.integers(1, 9),
    )
    def test_something_is_found_where_it_is_whatever_the_pieces(
        self, content: bytes, what: bytes, start: int, length: int, step: int
    ) -> None:
        start = min(start, len(content))
        end = min(start + length, len(content))
        with patch.object(spans, "_STEP", step):
            assert spans.find(memoryview(content), what, start, end) == content.find(what, start, end)

    @many
    @given(zeros=st.integers(0, 40), more=st.binary(max_size=3), step=st.integers(1, 9))
    def test_zeros_are_nothing_but_zeros(self, zeros: int, more: bytes, step: int) -> None:
        content = bytes(zeros) + more
        with patch.object(spans, "_STEP", step), patch.object(spans, "_ZEROS", bytes(step)):
            assert spans.only_zeros(memoryview(content)) is not any(content)
