"""Zip archives, read as forgivingly as the most forgiving loader reads them.

Loaders differ in what they check: checksums, flags, names in two places, parts that the directory does not list. A part
that any of them would read is read here, too. Flags and checksums decide nothing.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from caponier.detect.model_files.files import compressed
from caponier.detect.model_files.files.part import ArchiveMember, Budget, TooMuchError
from caponier.detect.model_files.files.spans import find

_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x06"
_LOCATOR_64: Final = b"PK\x06\x07"
_CENTRAL: Final = b"PK\x01\x02"
LOCAL: Final = b"PK\x03\x04"
_TAIL: Final = 1 << 17
"""The end record lies within so many bytes of the end: 65,557 by the specification, and some readers go further."""
_LONG_END: Final = 76
"""Bytes of the longer record with what points to it."""
_MOST_ENDS: Final = 8
_LINK, _KIND, _DEFERRED = 0o120000, 0o170000, 8
_LONG_NOTE, _NAME_NOTE, _MOST_NOTES = 1, 0x7075, 4
_MISSING, _LONG_MISSING = (1 << 32) - 1, (1 << 64) - 1
_TWICE: Final = "has a note on its place or its name twice, and readers differ in which one counts"
_METHODS: Final = {8: "deflate", 12: "bz2", 93: "zstandard"}


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One part of an archive."""

    name: str
    flags: int
    method: int
    header: int
    """Where its own header begins."""
    start: int
    """Where its stored bytes begin."""
    packed: int
    size: int
    """Bytes when expanded, as declared."""
    other_name: str | None = None
    """Its name at the part itself, where the directory says otherwise."""
    noted_name: str | None = None
    """Its name in a note that many unpackers believe more than the name itself."""
    link: bool = False
    """Whether its content is the target of a link."""
    doubt: str | None = None
    """Why other readers may read something else there."""
    listed: bool = True
    """Whether the directory lists it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it has."""
        return tuple(name for name in (self.name, self.other_name, self.noted_name) if name is not None)


def has_end(content: memoryview) -> bool:
    """Return whether a zip archive ends with this content, whatever it begins with."""
    return bytes(content[-_TAIL:]).rfind(_END) >= 0


def entries(content: memoryview, budget: Budget) -> tuple[list[ZipEntry], str | None]:
    """Return every part, those included that the directory does not list, and what is wrong with the directory.

    Raises:
        TooMuchError: If there are too many.
    """
    covered: list[tuple[int, int]] = []
    found, doubt = _listed(content, budget, covered)
    found += _hidden(content, budget, covered)
    return found, doubt


def content_of(content: memoryview, entry: ZipEntry, budget: Budget) -> ArchiveMember:
    """Return the expanded content of a part.

    Raises:
        TooMuchError: If it expands to more than the budget has.
    """
    stored = content[entry.start : entry.start + entry.packed]
    doubt = "may be encrypted" if entry.flags & 1 else entry.doubt
    if len(stored) < entry.packed:
        doubt = "ends early"
    if entry.method == 0:
        return ArchiveMember(entry.name, stored, doubt)
    how = _METHODS.get(entry.method)
    if how is None:
        return ArchiveMember(
            entry.name, stored, f"is compressed in a way that is not read here (method {entry.method})"
        )
    if entry.size > budget.bytes_left:
        raise TooMuchError(f"declares {entry.size:,} bytes in {entry.packed:,}: it may be a decompression bomb")
    expanded = compressed.expand(stored, how, budget)
    return ArchiveMember(entry.name, expanded.content, doubt or (expanded.doubt if entry.listed else None))


def _listed(content: memoryview, budget: Budget, covered: list[tuple[int, int]]) -> tuple[list[ZipEntry], str | None]:
    ends = _ends(content)
    if not ends:
        return [], "ends early: the archive has no directory"
    found, fewer, count = list[list[ZipEntry]](), list[list[ZipEntry]](), 0
    for end in ends:
        covered.append((end, end + 22))
        count += int.from_bytes(content[end + 10 : end + 12], "little")
        # Some readers count from the end, others from the start, and some believe in the longer record that lies
        # before this one: there may be a directory for each of them. Who finds it where it says from the start finds
        # the parts there, too: to move them all the same finds another part by chance in one of 64 of torch's files.
        counted = _starts(content, end)
        starts = [place for before, offset in counted for place in ((before, before - offset), (offset, 0))]
        for start, shift in dict.fromkeys(starts):
            if start >= 0 and (read := list(_directory(content, start, shift, budget, covered))):
                # Who counts from the end and knows no longer records starts behind the first rows of a directory, if
                # these are as long as the records: nobody reads archives so, and only another part would tell.
                skips = shift == _LONG_END and any(before == offset for before, offset in counted[1:])
                (fewer if skips else found).append(read)
    if not found and not fewer:
        return [], "the archive's directory cannot be read" if count else None
    parts = list(dict.fromkeys(entry for read in [*found, *fewer] for entry in read))
    whole = _all([*found, *fewer])
    differ = any({(entry.name, entry.start) for entry in read} != whole for read in found or fewer)
    return parts, "the archive has several directories, and readers differ in which one they read" if differ else None


def _all(found: list[list[ZipEntry]]) -> set[tuple[str, int]]:
    return {(entry.name, entry.start) for read in found for entry in read}


def _ends(content: memoryview) -> list[int]:
    """Return where the archive may end: at its last record, or at any whose comment is all that follows."""
    tail_start = max(0, len(content) - _TAIL)
    tail, ends, at = bytes(content[tail_start:]), list[int](), -1
    while (at := tail.find(_END, at + 1)) >= 0 and at + 22 <= len(tail):
        follows = int.from_bytes(tail[at + 20 : at + 22], "little")
        if at + 22 + follows == len(tail) or tail.find(_END, at + 1) < 0:
            ends.append(tail_start + at)
    return ends[-_MOST_ENDS:]


def _starts(content: memoryview, end: int) -> list[tuple[int, int]]:
    """Return where a directory begins, counted from its end and from the start, by every record that tells."""
    size, offset = struct.unpack("<II", content[end + 12 : end + 20])
    starts = [] if 0xFFFFFFFF in (size, offset) else [(end - size, offset)]
    locator = end - 20
    if locator >= 0 and bytes(content[locator : locator + 4]) == _LOCATOR_64:
        (place,) = struct.unpack("<Q", content[locator + 8 : locator + 16])
        for record in dict.fromkeys((locator - 56, place)):
            if 0 <= record <= locator - 56 and bytes(content[record : record + 4]) == _END_64:
                size, offset = struct.unpack("<QQ", content[record + 40 : record + 56])
                starts.append((record - size, offset))
    return starts


def _directory(
    content: memoryview, at: int, shift: int, budget: Budget, covered: list[tuple[int, int]]
) -> Iterator[ZipEntry]:
    """Yield the entries of a directory."""
    while bytes(content[at : at + 4]) == _CENTRAL and at + 46 <= len(content):
        budget.member()
        found, length = _central(content, at, shift)
        covered.append((at, at + length))
        # What lies at the second place is looked at as an unlisted part as well, with its own name and size.
        covered += [(entry.header, entry.start + entry.packed) for entry in found[:1]]
        yield from found
        at += length


def _central(content: memoryview, at: int, shift: int) -> tuple[list[ZipEntry], int]:
    """Read one row of the directory: the parts at the places that it may mean, none where there is none."""
    flags, method = struct.unpack("<HH", content[at + 8 : at + 12])
    packed, size, name_length, extra, comment = struct.unpack("<IIHHH", content[at + 20 : at + 34])
    (offset,) = struct.unpack("<I", content[at + 42 : at + 46])
    name = _name(content[at + 46 : at + 46 + name_length])
    more = content[at + 46 + name_length : at + 46 + name_length + extra]
    forms = _long_forms(more, size, packed, offset)
    length = 46 + name_length + extra + comment
    found = []
    # Unpackers differ in which systems they take the mode of; none writes such a mode for anything but a link.
    link = int.from_bytes(content[at + 40 : at + 42], "little") & _KIND == _LINK
    places = [(place, *form[:2]) for form in forms for place in (form[2] + shift, form[2])]
    for place, size, packed in dict.fromkeys(places):
        if 0 <= place <= len(content) - 30 and bytes(content[place : place + 4]) == LOCAL:
            local_method, local_name, start = _local(content, place)
            other = None if local_name == name else local_name
            # A stored part is its own bytes whatever the directory calls the method.
            used = method if method in (0, *_METHODS) else local_method
            noted = _noted_names(more, content[start - _local_extra(content, place) : start])
            doubt = _TWICE if len(forms) > 1 or len(noted) > 1 else _differs(content, place, method, packed, size)
            another = next((one for one in noted if one not in (name, other)), None)
            entry = ZipEntry(name, flags, used, place, start, packed, size, other, another, link, doubt)
            found.append(entry)
    return found, length


def _long_forms(extra: memoryview, size: int, packed: int, offset: int) -> list[tuple[int, int, int]]:
    """Return what the sizes and the place of a part may be in their long form: readers differ if it is told twice."""
    values = size, packed, offset
    notes = [note for tag, note in _notes(extra) if tag == _LONG_NOTE]
    alone = [_lengthened(values, [note]) for note in notes[:_MOST_NOTES]]
    return list(dict.fromkeys([*alone, _lengthened(values, notes)]))


def _lengthened(values: tuple[int, int, int], notes: list[memoryview]) -> tuple[int, int, int]:
    """Return sizes and place with one note after the other applied, as Python does it."""
    found = list(values)
    for fields in notes:
        for index, value in enumerate(found):
            missing = value == _MISSING or (value == _LONG_MISSING and index == 0)
            if missing and len(fields) >= 8:
                (found[index],) = struct.unpack("<Q", fields[:8])
                fields = fields[8:]
    return found[0], found[1], found[2]


def _notes(extra: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the notes on a part, each with what it is about."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack("<HH", extra[at : at + 4])
        yield tag, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _noted_names(*extras: memoryview) -> list[str]:
    """Return the names that stand among the notes: a version, a checksum of the plain name, and the name in UTF-8."""
    notes = [note for extra in extras for tag, note in _notes(extra) if tag == _NAME_NOTE and len(note) > 5]
    return list(dict.fromkeys(_name(note[5:]) for note in notes))


def _local_extra(content: memoryview, place: int) -> int:
    return int.from_bytes(content[place + 28 : place + 30], "little")


def _local(content: memoryview, place: int) -> tuple[int, str, int]:
    """Return the method, the name and the start of the bytes, as they stand at the part itself."""
    (method,) = struct.unpack("<H", content[place + 8 : place + 10])
    name_length, extra = struct.unpack("<HH", content[place + 26 : place + 30])
    return method, _name(content[place + 30 : place + 30 + name_length]), place + 30 + name_length + extra


def _differs(content: memoryview, place: int, method: int, packed: int, size: int) -> str | None:
    """Say whether a part says something else of itself than the directory does; it may also say nothing."""
    flags, local_method = struct.unpack("<HH", content[place + 6 : place + 10])
    local = struct.unpack("<II", content[place + 18 : place + 26])
    if flags & _DEFERRED or local == (0xFFFFFFFF, 0xFFFFFFFF):
        return None
    same = local_method == method and local == (packed & 0xFFFFFFFF, size & 0xFFFFFFFF)
    return None if same else "has a header that differs from the archive's directory"


def _hidden(content: memoryview, budget: Budget, covered: list[tuple[int, int]]) -> Iterator[ZipEntry]:
    """Yield parts in the gaps that the directory leaves."""
    for start, end in _gaps(covered, len(content)):
        at = start
        while (at := find(content, LOCAL, at, end)) >= 0 and at + 30 <= end:
            budget.member()
            flags, method = struct.unpack("<HH", content[at + 6 : at + 10])
            packed, size = struct.unpack("<II", content[at + 18 : at + 26])
            _, name, begin = _local(content, at)
            if packed in (0, 0xFFFFFFFF) or begin + packed > end:
                packed = max(0, end - begin)
            yield ZipEntry(name, flags, method, at, begin, packed, size, listed=False)
            at = max(begin, at + 4)


def _gaps(covered: list[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    at = 0
    for start, end in sorted(covered):
        if start - at >= 30:
            yield at, start
        at = max(at, end)
    if size - at >= 30:
        yield at, size


def _name(raw: memoryview) -> str:
    return bytes(raw).decode("utf-8", "backslashreplace")
