"""A folder of logs in which something cannot be read: that is told, and everything else is read."""

import os
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from caponier.errors import InputError
from caponier.telemetry import events
from caponier.telemetry.events import read_events
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs import events as log_events
from caponier.telemetry.security_logs.events import read_logs

EVENT = b'{"time": "2026-05-01T10:00:00Z", "model": "m", "operation": "predict"}\n'
LOG = b'{"time": "2026-05-01T10:00:00Z", "product": "linux", "a": "b"}\n'
Read = Callable[[Path, RejectedRows], int]


def inference(path: Path, rejected: RejectedRows) -> int:
    return sum(read.batch.num_rows for read in read_events([path], rejected))


def security(path: Path, rejected: RejectedRows) -> int:
    return sum(len(read.events) for read in read_logs([path], rejected))


@pytest.fixture(params=[(inference, EVENT), (security, LOG)], ids=["inference", "security"])
def kind(request: pytest.FixtureRequest) -> tuple[Read, bytes]:
    return request.param


@pytest.fixture
def folder(kind: tuple[Read, bytes], tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.jsonl").write_bytes(kind[1])
    (tmp_path / "logs" / "z.jsonl").write_bytes(kind[1])
    return tmp_path / "logs"


def told(rejected: RejectedRows) -> dict[str, str]:
    return {Path(one.file).name: one.reason for one in rejected.first}


def test_what_cannot_be_read_is_told_and_the_rest_is_read(
    kind: tuple[Read, bytes], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(folder / "pipe.jsonl")
    os.mkfifo(folder / "no-log")
    (folder / "gone.jsonl").symlink_to(folder / "nothing")
    (folder / "loop.jsonl").symlink_to(folder / "loop.jsonl")
    monkeypatch.chdir(folder)
    rejected = RejectedRows()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.jsonl")
        assert kind[0](folder, rejected) == 2
    assert set(told(rejected)) == {"pipe.jsonl", "gone.jsonl", "loop.jsonl", "s.jsonl"}
    assert told(rejected)["pipe.jsonl"] == "is a pipe, not a file"


def test_a_device_is_no_log_whatever_the_link_to_it_is_called(kind: tuple[Read, bytes], tmp_path: Path) -> None:
    (tmp_path / "endless.jsonl").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="is a device, not a file"):
        kind[0](tmp_path / "endless.jsonl", RejectedRows())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_closed_file_or_folder_is_told(kind: tuple[Read, bytes], folder: Path) -> None:
    (folder / "closed").mkdir(mode=0)
    (folder / "secret.jsonl").write_bytes(b"")
    (folder / "secret.jsonl").chmod(0)
    rejected = RejectedRows()
    try:
        assert kind[0](folder, rejected) == 2
        with pytest.raises(InputError, match="cannot be reached"):
            kind[0](folder / "closed" / "a.jsonl", rejected)
    finally:
        (folder / "closed").chmod(0o700)
    assert told(rejected) == {
        "closed": "cannot be listed: Permission denied",
        "secret.jsonl": "cannot be read: Permission denied",
    }


def test_a_file_that_vanishes_after_it_was_listed_is_told(
    kind: tuple[Read, bytes], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "b.jsonl").write_bytes(kind[1])
    honest = events.log_files

    def late(*arguments: object) -> Iterator[object]:
        found = list(honest(*arguments))  # type: ignore[arg-type]
        (folder / "b.jsonl").unlink()
        yield from found

    for module in (events, log_events):
        monkeypatch.setattr(module, "log_files", late)
    rejected = RejectedRows()
    assert kind[0](folder, rejected) == 2
    assert told(rejected) == {"b.jsonl": "cannot be read: No such file or directory"}


def test_links_to_folders_are_not_followed_or_a_log_would_be_read_twice(kind: tuple[Read, bytes], folder: Path) -> None:
    (folder / "current").symlink_to(folder)
    (folder / "other").symlink_to("/proc")
    rejected = RejectedRows()
    assert kind[0](folder, rejected) == 2
    assert rejected.count == 0
    (folder.parent / "link").symlink_to(folder)
    assert kind[0](folder.parent / "link", rejected) == 2, "what was named is meant"


def test_a_name_that_is_no_text_is_told_as_it_can_be(kind: tuple[Read, bytes], folder: Path) -> None:
    (folder / os.fsdecode(b"odd-\xff\x1b.jsonl")).write_bytes(b"no json\n" + kind[1])
    with RejectedRows(folder.parent / "rejected.jsonl") as rejected:
        assert kind[0](folder, rejected) == 3
    assert [Path(one.file).name for one in rejected.first] == ["odd-\\xff\x1b.jsonl"]
    assert b"odd-" in (folder.parent / "rejected.jsonl").read_bytes()


def test_a_file_that_was_named_and_cannot_be_read_is_a_wrong_request(kind: tuple[Read, bytes], folder: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        kind[0](folder / "nothing.jsonl", RejectedRows())
    with pytest.raises(InputError, match="cannot be reached"):
        kind[0](folder / ("n" * 300 + ".jsonl"), RejectedRows())


@pytest.mark.parametrize("name", ["june.zip", "june.tgz", "june.db", "june.xlsx", "part-00001"])
def test_what_cannot_be_opened_keeps_nothing_else_from_being_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jsonl").write_bytes(EVENT)
    (tmp_path / name).write_bytes(EVENT)
    whole = Path.open

    def refused(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self.name == name:
            raise PermissionError(13, "Permission denied")
        return whole(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refused)
    rejected = RejectedRows()
    assert inference(tmp_path, rejected) == 1
    assert all("Permission denied" in reason for reason in told(rejected).values())


OPENED: Counter[str] = Counter()


def count(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(args[0], str) and str(args[1]).startswith("r"):
        OPENED[os.path.basename(args[0])] += 1


# Nothing takes one away again: it counts what has these names, and costs others next to nothing.
sys.addaudithook(count)


@pytest.mark.parametrize(
    ("name", "text", "most"),
    [
        ("jsonl-opened.jsonl", EVENT * 3, 5),
        ("log-opened.log", EVENT * 3, 5),
        ("csv-opened.csv", b"time,model,operation\n" + b"2026-05-01T10:00:00Z,m,predict\n" * 3, 6),
    ],
)
def test_a_log_is_looked_at_as_an_archive_and_as_a_log_and_then_read(
    name: str, text: bytes, most: int, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(text)
    assert inference(tmp_path / name, RejectedRows()) == 3
    # The others are the first rows, and the answers of KServe, which the reading of all needs.
    assert 0 < OPENED[name] <= most
