"""What of a growing lake was read: how far each file, and what has come since.

Guards append to files for an hour, and a day later `caponier lake compact` puts Parquet into their place. Engines that
follow folders elsewhere take a file when they see it first and never again; here each file has a position of its own.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson

LINES: Final = frozenset({".jsonl", ".ndjson"})
PARQUET: Final = ".parquet"
UNFINISHED_S: Final = 60.0
"""After which a last line without an end is taken for one."""
WHOLE_S: Final = 3 * 3_600.0
"""After which nothing is appended to a file any more: guards write a new one each hour."""
_BLOCK: Final = 2**20
NOTE: Final = ".compacted-"
"""How the name of a note begins by which a compaction counts: it names the files that Parquet was made of."""
_DAY: Final = "date="
_MADE: Final = "guard-"
_NOTES: Final = 4_096

Offset = dict[str, Any]
"""`next`: number of the next file; `files`: by path below the lake, its number, bytes and lines that were read, and
whether nothing more will come. In place of lines, 1 says of Parquet that a part of it was read as lines."""


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
    for path in sorted(_files(lake)):
        entry = known.get(path)
        if entry is None:
            origins = _origins(lake, path)
            if origins is None:
                # A compaction is at work, or was cut off: its lines still stand beside it.
                continue
            before = [known[one] for one in origins if one in known]
            if before and len(before) == len(origins) and all(one[3] for one in before):
                # All of its lines were read before they were put into another form.
                entry = [before[0][0], 0, 0, True]
            else:
                entry = [number, 0, int(bool(before)), False]
                number += 1
        looked = _looked(lake / path, entry, moment)
        if looked is not None:
            files[path] = looked
    # Asked after the walk, which a compaction may have overtaken: its note is there before any line goes.
    gone = [path for path in known if path not in files and _made_of(lake, path)]
    files |= {path: known[path] for path in gone}
    return {"next": number, "files": {path: files[path] for path in sorted(files)}}


def slices(start: Mapping[str, Any], end: Mapping[str, Any]) -> Iterator[LakeSlice]:
    """Yield what lies between two offsets."""
    before, after = start["files"], end["files"]
    for path, (number, size, lines, _) in after.items():
        _, begin, line, _ = before.get(path, (number, 0, 0, False))
        if size > begin:
            parquet = Path(path).suffix == PARQUET
            yield LakeSlice(path, number, begin, size, 0 if parquet else line, again=parquet and bool(lines))


def present(lake: Path, parts: Iterable[LakeSlice]) -> Iterator[LakeSlice]:
    """Yield slices as they can be read now: a batch may come again days after it was noted.

    Of lines that became Parquet meanwhile that is read, once and as known in part; what retention or somebody's wish
    has deleted is left out.
    """
    given = list(parts)
    done = {part.path for part in given}
    for part in given:
        if (lake / part.path).exists():
            yield part
            continue
        for file in _made_of(lake, part.path):
            path = os.path.relpath(file, lake)
            if path not in done:
                done.add(path)
                # A number of its own: rows of Parquet are not the lines of the file whose number it would share.
                yield LakeSlice(path, -1 - part.source, 0, file.stat().st_size, 0, again=True)


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


def _origins(lake: Path, path: str) -> tuple[str, ...] | None:
    """Return the paths of the lines that a file was made of: none of most, None where a compaction has not ended."""
    parts = Path(path).parts
    if len(parts) != 3 or not parts[0].startswith(_DAY) or not parts[2].startswith(_MADE):
        return ()
    if Path(path).suffix != PARQUET:
        return ()
    try:
        names = _noted(str(lake / parts[0] / f"{NOTE}{Path(path).stem.removeprefix(_MADE)}"))
    except FileNotFoundError:
        return None
    return tuple(os.path.join(parts[0].removeprefix(_DAY), name) for name in names)


def _made_of(lake: Path, path: str) -> list[Path]:
    """Return the Parquet files that were made of a file of lines, and of others with it."""
    folder = lake / f"{_DAY}{os.path.dirname(path)}"
    for note in sorted(folder.glob(f"{NOTE}*")):
        if os.path.basename(path) in _noted(str(note)):
            return sorted(folder.glob(f"model=*/{_MADE}{note.name.removeprefix(NOTE)}{PARQUET}"))
    return []


@lru_cache(_NOTES)
def _noted(note: str) -> tuple[str, ...]:
    """Return the names in a note, which is never written to again.

    Raises:
        FileNotFoundError: If there is none.
    """
    try:
        return tuple(str(name) for name in orjson.loads(Path(note).read_bytes()))
    except (ValueError, TypeError):
        return ()


def _looked(path: Path, entry: list[Any], now: float) -> list[Any] | None:
    """Return how far a file can be read; None if it went away meanwhile."""
    number, begin, line, whole = entry
    try:
        status = path.stat()
        if path.suffix == PARQUET:
            # It was put there as a whole.
            return [number, status.st_size if not whole else begin, line, True if whole else bool(status.st_size)]
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
