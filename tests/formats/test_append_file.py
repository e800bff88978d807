import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIG_DFL, SIG_IGN, SIGXFSZ, signal

import pytest

from caponier.formats.append_file import append_whole


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """Let the system itself refuse: it first writes what fits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal(SIGXFSZ, SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal(SIGXFSZ, SIG_DFL)


def test_what_is_appended_stands_behind_what_was_there(tmp_path: Path) -> None:
    with opened(tmp_path / "f") as file:
        append_whole(file, b"one\n")
        append_whole(file, b"")
        append_whole(file, b"two\n")
    assert (tmp_path / "f").read_bytes() == b"one\ntwo\n"


def test_of_what_does_not_fit_nothing_is_left(tmp_path: Path) -> None:
    with opened(tmp_path / "f") as file:
        append_whole(file, b"one\n")
        with no_file_longer_than(6), pytest.raises(OSError, match="too large"):
            append_whole(file, b"two is longer\n")
        assert (tmp_path / "f").read_bytes() == b"one\n"
        append_whole(file, b"three\n")
    assert (tmp_path / "f").read_bytes() == b"one\nthree\n"


def test_a_system_that_takes_little_at_a_time_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda to, data: write(to, bytes(data)[:3]))
    with opened(tmp_path / "f") as file:
        append_whole(file, b"a line of some length\n")
    assert (tmp_path / "f").read_bytes() == b"a line of some length\n"
