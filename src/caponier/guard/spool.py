"""What was answered and is not yet in the lake: on disk before the caller has the last byte of it.

A spool is a folder of segments, each a file to which records are appended, and of a file that says how far somebody has
got with them. It survives that the process is killed (kill -9), not that the machine loses power: nothing is synced.
Records are read in the order in which they were written, by one reader, whoever wrote them: this process or the one
before it. A guard takes the first folder that no other one has locked.

Records are put into memory that is the file's: a call of the system would let go of the interpreter, and the request
would wait until whatever else runs in it gives it back. The file's blocks are there before, so that a full disk is an
error and no signal.
"""

import fcntl
import mmap
import os
import re
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Self

import orjson

from caponier.errors import InputError

SEGMENT: Final = 16 * 2**20
"""Bytes after which another segment is begun; one that was read to its end is deleted."""
MOST_SLOTS: Final = 64
"""Guards that share a folder."""
MODE: Final = 0o600
"""Bodies of requests stand in it."""
GIVE_UP_S: Final = 60.0
"""How long the reader tries a segment again that cannot be read; then it is put aside for the next start."""
_HEAD: Final = 8
_VOID: Final = 2**31
"""In the length of a record: it is none, but what was erased, or read already of a segment that was put aside."""
_ASIDE: Final = re.compile(r"(\d+)-(\d+)\.aside")
_SLOT: Final = 2_048
"""Bytes of one of the two places for how far the reader is: the older one is overwritten."""


class Place(NamedTuple):
    """A place in a spool; that of a record is where it begins."""

    segment: int
    offset: int


BEGIN: Final = Place(0, 0)


class SpoolFullError(OSError):
    """The spool holds as much as it may."""


@dataclass(frozen=True, slots=True)
class SpoolProgress:
    """How far the reader is, and what it wrote last."""

    place: Place = BEGIN
    """Everything before it is done."""
    file: str = ""
    """To which the results of what was read were appended last."""
    size: int = 0
    """Of that file, when everything before `place` and nothing else was in it."""


class ExchangeSpool:
    """One folder of records: `append` in one thread, everything else in another one.

    Args:
        folder: Made if it is not there.
        limit: Most bytes that wait in it.

    Raises:
        BlockingIOError: If another process has it.
        OSError: If it cannot be made or read.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self._limit = folder, limit
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._state = os.open(folder / "progress", os.O_RDWR | os.O_CREAT, MODE)
        try:
            fcntl.flock(self._state, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._state)
            raise
        self._turn, self.progress = self._read_progress()
        for done in self._segments():
            if _number(done) < self.progress.place.segment:
                # Whoever was done with it was killed before it was deleted; it would take room for ever.
                done.unlink(missing_ok=True)
        last = max((_number(path) for path in self._segments()), default=self.progress.place.segment)
        last = self._take_back(last)
        self._sizes = {_number(path): path.stat().st_size for path in self._segments()}
        self._last = Place(last, self._size(last))
        """Where the records end that stood there already: whoever wrote them is dead."""
        self._end = Place(last + 1, 0)
        self._map: mmap.mmap | None = None
        self._held = sum(self._sizes.values())
        self._wanted, self._reading, self._open = self.progress.place, -1, -1
        self._freed = 0
        self._failing: tuple[Place, float] | None = None
        """What could not be read, and since when."""
        self._owing = False
        """Whether something was taken that is not done with."""
        self.broken = 0
        """Records that could not be read back."""

    def append(self, parts: Sequence[bytes]) -> Place:
        """Write a record; it survives this process once this returns.

        Args:
            parts: Its content, one behind another.

        Raises:
            OSError: If it cannot be written, or `SpoolFullError`, if that would be more than may wait.
        """
        length, sum_ = 0, 0
        for part in parts:
            length += len(part)
            sum_ = zlib.crc32(part, sum_)
        size = _HEAD + length
        if self._map is None or self._end.offset + size > len(self._map):
            self._map = self._begin_segment(size)
        place, at = self._end, self._end.offset + _HEAD
        for part in parts:
            self._map[at : at + len(part)] = part
            at += len(part)
        # Last of all: until it stands there, there is no record.
        head = length.to_bytes(4, "little") + sum_.to_bytes(4, "little")
        self._map[place.offset : place.offset + _HEAD] = head
        self._end = Place(place.segment, place.offset + size)
        return place

    @property
    def wanted(self) -> Place | None:
        """Where the next record stands that was not taken yet; None if all were."""
        while self._wanted != self._end:
            segment, offset = self._wanted
            known = self._last if segment <= self._last.segment else self._end
            if segment == known.segment and offset < known.offset:
                return self._wanted
            if segment < known.segment and offset < self._size(segment):
                return self._wanted
            if segment >= self._end.segment:
                return None
            self._wanted = Place(segment + 1, 0)
        return None

    def skip(self, parts: int) -> None:
        """Take the next record as read by whoever wrote it; `parts` are the bytes of its content."""
        self._owing = True
        self._wanted = Place(self._wanted.segment, self._wanted.offset + _HEAD + parts)

    def read(self) -> bytes | None:
        """Read and take the next record; None if none is here or it is broken: then `wanted` is where to go on.

        Raises:
            OSError: If it cannot be read just now, such as with too many open files: nothing was taken. What cannot be
                read for long is put aside, and read after the next start.
        """
        place = self.wanted
        if place is None:
            return None
        try:
            data = self._content(place)
            self._failing = None
        except FileNotFoundError:
            data = None
        except OSError:
            self._give_up(place)
            raise
        if data is None:
            self.broken += 1
            self._wanted = Place(place.segment + 1, 0)
            return None
        if not data:
            self._wanted = Place(place.segment + 1, 0)
            return None
        self.skip(len(data))
        return data

    def _content(self, place: Place) -> bytes | None:
        if self._reading != place.segment:
            self._close_reading()
            self._open, self._reading = os.open(self._path(place.segment), os.O_RDONLY), place.segment
        while True:
            head = os.pread(self._open, _HEAD, place.offset)
            length = int.from_bytes(head[:4], "little")
            if not length & _VOID:
                break
            self._wanted = place = Place(place.segment, place.offset + _HEAD + length - _VOID)
        if not length:
            # The rest of the segment was not used.
            return b""
        data = os.pread(self._open, length, place.offset + _HEAD)
        whole = len(head) == _HEAD and len(data) == length and zlib.crc32(data) == int.from_bytes(head[4:], "little")
        return data if whole else None

    def _give_up(self, place: Place) -> None:
        """Put a segment aside that cannot be read for long: those after it must not wait for ever."""
        if self._failing is None or self._failing[0] != place:
            self._failing = place, time.monotonic()
        # The one that is written to is over some day. What was taken of it and is not done with could be lost.
        lasting = time.monotonic() - self._failing[1] >= GIVE_UP_S
        if not lasting or place.segment >= self._end.segment or self._owing:
            return
        path = self._path(place.segment)
        path.rename(path.with_name(f"{place.segment}-{place.offset}.aside"))
        self._wanted, self._failing = Place(place.segment + 1, 0), None
        self._close_reading()

    def _take_back(self, last: int) -> int:
        """Have what was put aside be read again, behind everything else; return the last segment."""
        for path in sorted(self.folder.glob("*.aside")):
            found = _ASIDE.fullmatch(path.name)
            if found is None:
                continue
            done = int(found[2])
            try:
                if done:
                    with path.open("r+b") as file:
                        file.write((_VOID + done - _HEAD).to_bytes(4, "little") + bytes(4))
                path.rename(self._path(last + 1))
            except OSError:
                continue
            last += 1
        return last

    def erase(self, is_meant: Callable[[bytes], bool]) -> int:
        """Take records out for good that wait, and all that are done with, before anything is appended.

        Args:
            is_meant: Tells of the content of each whether it is one of them.

        Returns:
            How many of those that wait.

        Raises:
            OSError: If one cannot be read or written.
        """
        erased, begin = 0, self.progress.place
        if begin.offset and self._path(begin.segment).exists():
            # Done with, but its segment is there as long as something in it waits.
            self._void(Place(begin.segment, 0), begin.offset - _HEAD)
        while self.wanted is not None:
            data = self.read()
            if data is None or not is_meant(data):
                continue
            self._void(Place(self._wanted.segment, self._wanted.offset - _HEAD - len(data)), len(data))
            erased += 1
        self._wanted, self._owing = self.progress.place, False
        return erased

    def _void(self, place: Place, length: int) -> None:
        with self._path(place.segment).open("r+b") as file:
            file.seek(place.offset)
            file.write((_VOID + length).to_bytes(4, "little") + bytes(4 + length))

    @property
    def taken(self) -> Place:
        """Where what was taken ends."""
        return self._wanted

    def commit(self, progress: SpoolProgress) -> None:
        """Note how far the reader is, and delete segments that are done with.

        Raises:
            OSError: If it cannot be written.
        """
        self._turn += 1
        content = [self._turn, *progress.place, progress.file, progress.size]
        plain = orjson.dumps(content)
        if len(plain) > _SLOT - 16:
            raise OSError("the name of the file is too long")
        line = b"%08x %s" % (zlib.crc32(plain), plain)
        os.pwrite(self._state, line.ljust(_SLOT), self._turn % 2 * _SLOT)
        before, self.progress = self.progress.place.segment, progress
        self._owing = progress.place < self._wanted
        for segment in range(before, progress.place.segment):
            self._freed += self._sizes.pop(segment, 0)
            with suppress(FileNotFoundError):
                self._path(segment).unlink()

    @property
    def waiting(self) -> int:
        """Bytes of records that are not done with, or stand in a segment with such."""
        return self._held - self._freed

    def close(self) -> None:
        """Let go of the folder; if everything in it is done with, nothing of it is left but how far it is."""
        if self._map is not None:
            self._map.close()
        self._close_reading()
        if self.wanted is None and self.progress.place >= self._wanted:
            for path in self._segments():
                path.unlink(missing_ok=True)
        os.close(self._state)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _close_reading(self) -> None:
        if self._open >= 0:
            os.close(self._open)
        self._open = self._reading = -1

    def _begin_segment(self, size: int) -> mmap.mmap:
        number = self._end.segment + (1 if self._map is not None else 0)
        whole = max(SEGMENT, size)
        if self._held - self._freed + whole > self._limit:
            raise SpoolFullError(f"more than {self._limit:,} bytes wait")
        opened = os.open(self._path(number), os.O_RDWR | os.O_CREAT | os.O_TRUNC, MODE)
        try:
            _allocate(opened, whole)
            made = mmap.mmap(opened, whole)
        except OSError:
            with suppress(OSError):
                self._path(number).unlink()
            raise
        finally:
            os.close(opened)
        if self._map is not None:
            self._map.close()
        self._held += whole
        self._sizes[number] = whole
        self._end = Place(number, 0)
        return made

    def _segments(self) -> list[Path]:
        return [path for path in self.folder.glob("*.segment") if path.stem.isdecimal()]

    def _path(self, segment: int) -> Path:
        return self.folder / f"{segment:012}.segment"

    def _size(self, segment: int) -> int:
        # Not asked of the disk: that may fail, and this is asked for each record.
        return self._sizes.get(segment, 0)

    def _read_progress(self) -> tuple[int, SpoolProgress]:
        found = [(0, SpoolProgress())]
        for at in (0, _SLOT):
            line = os.pread(self._state, _SLOT, at)
            check, _, plain = line.rstrip().partition(b" ")
            if not plain or check != b"%08x" % zlib.crc32(plain):
                continue
            turn, segment, offset, file, size = orjson.loads(plain)
            found.append((turn, SpoolProgress(Place(segment, offset), file, size)))
        return max(found, key=lambda one: one[0])


def _allocate(opened: int, size: int) -> None:
    """Have the blocks of a file, so that none is lacking when they are written to."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(opened, 0, size)
        return
    zeros = bytes(2**20)
    for at in range(0, size, len(zeros)):
        os.pwrite(opened, zeros[: size - at], at)


def _number(path: Path) -> int:
    return int(path.stem)


def free_spools(folder: Path, limit: int) -> Iterator[ExchangeSpool]:
    """Yield the spools in a folder that no other guard has, each locked; the first is there even if none was.

    Raises:
        InputError: If the folder cannot be used, or every spool in it is taken.
    """
    known = [int(path.name) for path in folder.glob("*") if path.name.isdecimal()] if folder.is_dir() else []
    found = False
    for number in [*sorted(known), *(n for n in range(MOST_SLOTS) if n not in known)]:
        if found and number not in known:
            return
        try:
            spool = ExchangeSpool(folder / str(number), limit)
        except BlockingIOError:
            continue
        except OSError as failed:
            hint = "Name another folder: spool in caponier.toml, [guard]"
            raise InputError(f"the spool cannot be used: {failed.strerror}", where=str(folder), hint=hint) from failed
        found = True
        yield spool
    if not found:
        raise InputError(f"{MOST_SLOTS} guards use this spool already", where=str(folder))
