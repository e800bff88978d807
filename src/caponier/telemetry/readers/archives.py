"""Logs in archives: tar, packed or not, and ZIP. They are unpacked into a folder that is there as long as the process.

An archive is hostile input: only files come out of it, under names that stay in the folder, and no more than is likely
of text and fits on the disk.
"""

import atexit
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.telemetry.streams import BLOCK, BrokenStreamError, Head, opened

MOST_FILES: Final = 100_000
LEAST: Final = 2**30
"""Bytes that any archive may unpack to."""
DENSEST: Final = 200
"""Bytes that come out for one that goes in, where there are more: text is packed by ten to a hundred."""
_SPARED: Final = 0.5
"""Share of the free disk that is used."""
_TAR: Final = slice(257, 262)
_ZIP: Final = b"PK\x03\x04"
_BROKEN: Final = (
    *(OSError, EOFError, RuntimeError, NotImplementedError, tarfile.TarError, zipfile.BadZipFile),
    # What is packed in a ZIP is unpacked by these themselves.
    *(zlib.error, LZMAError, BrokenStreamError),
)
SQLITE: Final = b"SQLite format 3\0"
_WORKBOOK: Final = "xl/workbook.xml"
_unpacked: dict[tuple[Path, int, int], Path] = {}
_sizes: dict[Path, int] = {}
"""Bytes that lie in the folders of archives: many small ones must not fill the disk together either."""


def is_archive(path: Path, head: Head) -> bool:
    """Tell by its first bytes whether a file is an archive; a workbook of Excel is one only by its form."""
    return head.text[_TAR] == b"ustar" or (head.text.startswith(_ZIP) and not is_workbook(path))


def is_workbook(path: Path) -> bool:
    """Tell whether a file is a workbook as Excel writes it."""
    try:
        with zipfile.ZipFile(path) as held:
            return _WORKBOOK in held.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def holds_tables(path: Path, head: Head) -> bool:
    """Tell by its first bytes whether a file holds tables with names."""
    return head.stored.startswith(SQLITE) or (head.stored.startswith(_ZIP) and is_workbook(path))


def unpacked(path: Path, *, is_named: bool = True) -> Path:
    """Return the folder with what an archive holds.

    Args:
        path: The archive.
        is_named: Whether somebody named it; those that just lie in a folder share what one may unpack to.

    Raises:
        InputError: If it cannot be read, or holds more than is unpacked.
    """
    about = path.stat()
    key = (path.resolve(), about.st_mtime_ns, about.st_size)
    if key in _unpacked:
        return _unpacked[key]
    root = Path(tempfile.mkdtemp(prefix="caponier-"))
    try:
        least = LEAST if is_named else max(0, LEAST - sum(_sizes.values()))
        size = _fill(path, folder := root / path.name, max(least, DENSEST * about.st_size))
    except BaseException:
        # Whoever looks at a broken one again and again must not fill the disk.
        shutil.rmtree(root, ignore_errors=True)
        raise
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    # What is told of a file in it begins with the name of the archive.
    _unpacked[key], _sizes[folder] = folder, size
    return folder


def _fill(path: Path, folder: Path, allowed: int) -> int:
    folder.mkdir()
    there = sum(_sizes.values())
    whole = most = min(allowed, int(_SPARED * (shutil.disk_usage(folder).free + there)) - there)
    try:
        for count, (name, stream) in enumerate(_members(path)):
            if count >= MOST_FILES:
                raise _too_much(path, f"more than {MOST_FILES:,} files")
            most -= _copied(stream, _place(folder, name), most)
            if most < 0:
                raise _too_much(path, "more than its size lets expect, or than the disk has room for")
    except _BROKEN as broken:
        unpack = "unzip" if path.suffix.lower() == ".zip" else "tar -xf"
        hint = f"Unpack what can be read of it, and give the folder: {unpack} {shown(path)}"
        raise InputError(f"is an archive that cannot be read: {broken}", where=shown(path), hint=hint) from broken
    return whole - most


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the files of an archive with their names; links and devices are none."""
    with path.open("rb") as raw:
        # By how it begins: what ends like a ZIP may be another archive that holds one.
        is_zip = raw.read(len(_ZIP)) == _ZIP
    if is_zip:
        with zipfile.ZipFile(path) as held:
            for one in held.infolist():
                if not one.is_dir():
                    with held.open(one) as stream:
                        yield one.filename, stream
        return
    with opened(path) as packed:
        source: Any = packed
        with tarfile.open(fileobj=source, mode="r|") as tar:
            for member in tar:
                found = tar.extractfile(member) if member.isreg() else None
                if found is not None:
                    yield member.name, found


def _place(folder: Path, name: str) -> Path:
    parts = [
        one for one in PurePosixPath(name.replace("\\", "/")).parts if one not in ("/", "..", ".") and "\0" not in one
    ]
    place = folder.joinpath(*(parts or ["log"]))
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _copied(stream: IO[bytes], place: Path, most: int) -> int:
    size = 0
    with place.open("wb") as out:
        while size <= most and (block := stream.read(BLOCK)):
            out.write(block)
            size += len(block)
    return size


def _too_much(path: Path, what: str) -> InputError:
    return InputError(f"holds {what}", where=shown(path), hint="Unpack it yourself, and give the folder")
