"""Tar archives, walked block by block."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from caponier.detect.model_files.files.part import ArchiveMember, Budget
from caponier.detect.model_files.files.places import Places
from caponier.detect.model_files.files.spans import only_zeros

_BLOCK: Final = 512
_FILES: Final = b"\x000 7"
_EXTENDED: Final = b"xg"
_LONG_NAMES: Final = b"LK"
_WITHOUT_CONTENT: Final = b"125"
"""Links and folders: nothing that a loader would read as a model."""
_LINKS: Final = b"12"
_LONGEST_NAME: Final = 1 << 16
_RECORD: Final = re.compile(rb"(\d{1,9}) ([^=\n]{1,200})=")
_RESIZED: Final = "gives the next member another size, or another name in a way of its own"
_RESIZING: Final = ("size", "GNU.sparse.")
"""How the keys of such notes begin: a sparse file has its name there as well."""
_BEHIND: Final = "has something behind the end of a name or a note, which readers understand differently"
_SEVERAL: Final = "is given several names, and readers differ in which one counts"
_OCTAL: Final = re.compile(rb"[\0\s+]*([0-7]*)")
_SIXTY_FOUR: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_MOST_SAID: Final = 8
_UNREADABLE: Final = "has a broken header, so the rest of the archive is not read"


def is_tar(content: memoryview) -> bool:
    """Return whether content begins with a tar header whose checksum is right for any reader, however it is written.

    Without the zeros that writers put behind names, a header may be nothing but letters, and the archive a text.
    """
    if len(content) < _BLOCK:
        return False
    sums = _sums(bytes(content[:_BLOCK]))
    return any(declared in sums for declared in _readings(bytes(content[148:156])))


def members(content: memoryview, budget: Budget) -> Iterator[ArchiveMember]:
    """Yield the files of an archive, and of links and folders those that lead out of it or may do so.

    Raises:
        TooMuchError: If there are too many.
    """
    at, names = 0, _Names()
    while at + _BLOCK <= len(content):
        header = content[at : at + _BLOCK]
        if not any(header):
            if not only_zeros(content[at:]):
                yield ArchiveMember(
                    "after the end", content[:0], "is followed by something that some readers read on to"
                )
            return
        budget.member()
        name, size, kind = _text(header[:100]), _number(header[124:136]), bytes(header[156:157])
        if not _is_header(header) or size is None:
            yield ArchiveMember(name, content[:0], _UNREADABLE)
            return
        at += _BLOCK
        body = content[at : at + size]
        doubt = _doubt(kind, body, size)
        if kind in _EXTENDED + _LONG_NAMES:
            # Python reads whole blocks, and takes for a name or a note what lies behind their declared end.
            whole = content[at : at + -(-size // _BLOCK) * _BLOCK]
            doubt = names.extend(kind, whole) or doubt
            if not only_zeros(whole[size:]):
                doubt = doubt or _BEHIND
            if doubt:
                yield ArchiveMember(name, body, doubt)
        else:
            harm, place = names.place(header, kind)
            doubt = doubt or place
            if kind in _WITHOUT_CONTENT:
                # Readers differ in whether content follows; read as if none did, nothing is stepped over.
                size = 0
                if harm or doubt:
                    yield ArchiveMember(names.name, body, doubt, harm, empty=True)
            else:
                yield ArchiveMember(names.name, body, doubt, harm)
            names.forget()
        at += -(-size // _BLOCK) * _BLOCK


class _Names:
    """The names of the members: in their headers, and in what stands before a header instead."""

    def __init__(self) -> None:
        self.name = ""
        self._places = Places()
        self._always: dict[str, list[str]] = {}
        self._next: dict[str, list[str]] = {}

    def extend(self, kind: bytes, body: memoryview) -> str | None:
        """Take what is said of the next member, or of all that follow, and say what is doubtful about it."""
        if kind in _LONG_NAMES:
            self._next.setdefault("path" if kind == b"L" else "linkpath", []).append(_text(body[:_LONGEST_NAME]))
            return "has a name that is longer than a scan reads" if len(body) > _LONGEST_NAME else None
        said = self._always if kind == b"g" else self._next
        raw, at = bytes(body[:_LONGEST_NAME]), 0
        while (match := _RECORD.match(raw, at)) is not None:
            end = match.start() + int(match[1])
            if not match.end() < end <= len(raw):
                break
            key = match[2].decode("utf-8", "backslashreplace")
            if raw[end - 1 : end] != b"\n":
                return "has notes that cannot be read"
            if key.startswith(_RESIZING):
                return _RESIZED
            if key in ("path", "linkpath"):
                said.setdefault(key, []).append(raw[match.end() : end - 1].decode("utf-8", "backslashreplace"))
            at = end
        return None if not raw[at:].strip(b"\0") and len(body) <= _LONGEST_NAME else "has notes that cannot be read"

    def place(self, header: memoryview, kind: bytes) -> tuple[str | None, str | None]:
        """Say what is harmful and what is doubtful about where a member lands, under any name that it has."""
        short, prefix = _text(header[:100]), _text(header[345:500])
        names, targets = self._said("path"), self._said("linkpath")
        self.name = names[-1] if names else (f"{prefix}/{short}" if prefix else short)
        found = [
            self._at(name, target, kind)
            for name in dict.fromkeys((short, self.name, *names))
            for target in targets or [_text(header[157:257])]
        ]
        harms, doubts = zip(*found, strict=True)
        several = _SEVERAL if len(names) > 1 or len(targets) > 1 else None
        return next(filter(None, harms), None), next(filter(None, doubts), several)

    def _said(self, key: str) -> list[str]:
        """Return the last few different texts that were said: readers differ in which one counts."""
        said = [*self._always.get(key, ())[-_MOST_SAID:], *self._next.get(key, ())[-_MOST_SAID:]]
        return list(dict.fromkeys(said))

    def _at(self, name: str, target: str, kind: bytes) -> tuple[str | None, str | None]:
        if kind not in _LINKS:
            return self._places.part(name)
        return self._places.link(name, target, hard=kind == b"1")

    def forget(self) -> None:
        """Drop what was said of one member only."""
        self._next.clear()


def _doubt(kind: bytes, body: memoryview, size: int) -> str | None:
    """Say why a member may be something else to another reader."""
    if len(body) < size:
        return "ends early"
    if kind in _WITHOUT_CONTENT:
        return "is a link or a folder with content, which readers understand differently" if size else None
    return None if kind in _FILES + _EXTENDED + _LONG_NAMES else "is of a kind that is not read here"


def _text(field: memoryview) -> str:
    """Return a text up to its first zero, as readers do."""
    return bytes(field).partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _is_header(header: memoryview) -> bool:
    """Return whether the checksum is right for every reader."""
    return _number(header[148:156]) in _sums(bytes(header))


def _sums(block: bytes) -> tuple[int, int]:
    """Return what the checksum of a header may be; some writers took bytes for signed numbers."""
    counted = block[:148] + b" " * 8 + block[156:]
    unsigned = sum(counted)
    return unsigned, unsigned - 256 * sum(byte > 0x7F for byte in counted)


def _readings(field: bytes) -> Iterator[int]:
    """Yield a number as one reader or another takes it."""
    # Python takes what it takes in a program, in octal: with a sign, a prefix, and strokes between the digits.
    with suppress(ValueError):
        yield int(field.partition(b"\0")[0].strip() or b"0", 8)
    # Others stop at the first letter that is no digit of theirs, and some take bytes for digits, or 64 letters.
    yield int(_OCTAL.match(field)[1] or b"0", 8)  # type: ignore[index]
    yield int.from_bytes(bytes([field[0] & 0x3F]) + field[1:], "big")
    digits = field.strip(b" \0+-")
    if digits and not set(digits) - set(_SIXTY_FOUR):
        yield sum(_SIXTY_FOUR.index(digit) << 6 * at for at, digit in enumerate(reversed(digits)))


def _number(field: memoryview) -> int | None:
    """Read a number as all readers do; None if some would read another one, or none."""
    raw = bytes(field)
    if raw[0] & 0x80:
        return int.from_bytes(raw[1:], "big") if raw[0] == 0x80 else None
    digits, _, rest = raw.partition(b"\0")
    digits = digits.strip(b" ")
    if rest.strip(b" \0") or set(digits) - set(b"01234567"):
        return None
    return int(digits or b"0", 8)
