"""What of a growing lake was read: how far each file, and what has come since.

Guards append to files for an hour, and a day later `caponier lake compact` puts Parquet into their place. Engines that
follow folders elsewhere take a file when they see it first and never again; here each file has a position of its own.
"""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LINES: Final = frozenset({".jsonl", ".ndjson"})
PARQUET: Final = ".parquet"
UNFINISHED_S: Final = 60.0
"""After which a last line without an end is taken for one."""
WHOLE_S: Final = 3 * 3_600.0
"""After which nothing is appended to a file any more: guards write a new one each hour."""
_BLOCK: Final = 2**20
_DAY: Final = "date="

Offset = dict[str, Any]
"""`next`: number of the next file; `files`: by path below the lake, its number, bytes and lines that were read, and
whether nothing more will come."""


@dataclass(frozen=True)
class LakeSlice:
    """What is to be read of one file."""

    path: str
    """Below the lake."""
    source: int
    begin: int
    """Bytes."""
    end: int
    line: int
    """Lines before it."""
    again: bool = False
    """Whether a part of it was read before, in another form."""


def nothing_read() -> Offset:
    """Return the offset of a lake of which nothing was read."""
    return {"next": 0, "files": {}}


def latest(lake: Path, start: Mapping[str, Any], now: float | None = None) -> Offset:
    """Return how far a lake can be read now.

    Files that are new get the next numbers, in the order of their paths. A file that is gone is forgotten once nothing
    in its place is there either.

    Args:
        lake: The folder.
        start: How far it was read.
        now: Seconds since the epoch; the present by default.
    """
    moment = time.time() if now is None else now
    known: dict[str, list[Any]] = dict(start["files"])
    number, files = int(start["next"]), {}
    found = sorted(_files(lake))
    for path in found:
        entry = known.get(path)
        if entry is None:
            origin = _origin(path)
            if origin is not None and origin in known and known[origin][3]:
                # All of its lines were read before they were put into another form.
                entry = [known[origin][0], 0, 0, True]
            else:
                entry = [number, 0, 0, False]
                number += 1
        looked = _looked(lake / path, entry, moment)
        if looked is not None:
            files[path] = looked
    origins = {_origin(path) for path in found}
    files |= {path: entry for path, entry in known.items() if path not in files and path in origins}
    return {"next": number, "files": {path: files[path] for path in sorted(files)}}


def slices(start: Mapping[str, Any], end: Mapping[str, Any]) -> Iterator[LakeSlice]:
    """Yield what lies between two offsets."""
    before, after = start["files"], end["files"]
    for path, (number, size, _, _) in after.items():
        _, begin, line, _ = before.get(path, (number, 0, 0, False))
        if size > begin:
            yield LakeSlice(path, number, begin, size, line, again=_origin(path) in before)


def pieces(lake: Path, part: LakeSlice, most: int) -> Iterator[tuple[int, bytes]]:
    """Yield whole lines of a slice, with the number of lines before them: at most so many bytes, or one longer line.

    Raises:
        OSError: If the file cannot be read.
    """
    line, rest = part.line, b""
    with (lake / part.path).open("rb") as stream:
        stream.seek(part.begin)
        left = part.end - part.begin
        while left:
            data = stream.read(min(left, most))
            if not data:
                break
            left -= len(data)
            whole, ended, tail = (rest + data).rpartition(b"\n")
            if ended:
                yield line, whole + ended
                line += whole.count(b"\n") + 1
            rest = tail
    if rest:
        yield line, rest + b"\n"


def _files(lake: Path) -> Iterator[str]:
    for folder, names, files in os.walk(lake):
        names[:] = [name for name in names if not name.startswith((".", "_"))]
        for name in files:
            if not name.startswith((".", "_")) and Path(name).suffix in (*LINES, PARQUET):
                yield os.path.relpath(os.path.join(folder, name), lake)


def _origin(path: str) -> str | None:
    """Return the path of the lines that compacted Parquet was made of; None if it is none."""
    parts = Path(path).parts
    if len(parts) != 3 or not parts[0].startswith(_DAY) or Path(path).suffix != PARQUET:
        return None
    return str(Path(parts[0].removeprefix(_DAY)) / Path(parts[2]).with_suffix(".jsonl"))


def _looked(path: Path, entry: list[Any], now: float) -> list[Any] | None:
    """Return how far a file can be read; None if it went away meanwhile."""
    number, begin, line, whole = entry
    try:
        status = path.stat()
        if path.suffix == PARQUET:
            # It was put there as a whole.
            return [number, status.st_size if not whole else begin, 0, True if whole else bool(status.st_size)]
        if status.st_size < begin:
            # What somebody asked to be erased is gone: what follows counts from here.
            return [number, status.st_size, line, whole]
        quiet = now - status.st_mtime
        if status.st_size == begin:
            return [number, begin, line, quiet > WHOLE_S]
        end, lines = _line_end(path, begin, status.st_size)
        if end < status.st_size and quiet > UNFINISHED_S:
            end, lines = status.st_size, lines + 1
        return [number, end, line + lines, end == status.st_size and quiet > WHOLE_S]
    except FileNotFoundError:
        return None


def _line_end(path: Path, begin: int, size: int) -> tuple[int, int]:
    """Return where the last whole line of a part of a file ends, and how many lines end in it."""
    end, lines, at = begin, 0, begin
    with path.open("rb") as stream:
        stream.seek(begin)
        while at < size and (block := stream.read(min(_BLOCK, size - at))):
            if (found := block.rfind(b"\n")) >= 0:
                end, lines = at + found + 1, lines + block.count(b"\n")
            at += len(block)
    return end, lines
