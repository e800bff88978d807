"""HDF5, walked from its root: every object, every attribute, and each place in which another file would be read.

After the HDF5 file format specification, versions 0 to 3 of the superblock. What libraries
read as more than numbers are attributes: Keras keeps a model's description in one, PyTables keeps pickles. Numbers
that are the bytes of a pickle are looked at as any value that is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from caponier.detect.model_files.files.hdf5.hdf5_bytes import Hdf5Error, Heap, Reader, records
from caponier.detect.model_files.files.hdf5.hdf5_types import Type, read_type
from caponier.detect.model_files.files.part import Budget

_DATATYPE, _EXTERNAL, _LAYOUT, _LINK_INFO, _LINK = 3, 7, 8, 2, 6
_ATTRIBUTE, _CONTINUATION, _SYMBOLS, _ATTRIBUTE_INFO = 0x0C, 0x10, 0x11, 0x15
_READ: Final = frozenset(
    {_DATATYPE, _EXTERNAL, _LAYOUT, _LINK_INFO, _LINK, _ATTRIBUTE, _CONTINUATION, _SYMBOLS, _ATTRIBUTE_INFO}
)
_SHARED: Final = 0x02
_HARD, _SOFT, _ELSEWHERE = 0, 1, 64
_COMPACT, _CONTIGUOUS, _VIRTUAL = 0, 1, 3
_SYMBOL: Final = 40
_MOST_VALUES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute whose values are texts, or sequences of bytes."""

    name: str
    values: list[bytes]


class Walk:
    """A walk over all objects of a file."""

    def __init__(self, content: memoryview, budget: Budget, before: int = 0) -> None:
        self._reader, self._budget, self._before = Reader(content, budget), budget, before
        self.attributes: list[Attribute] = []
        self.elsewhere: list[str] = []
        """Names of other files that are read with this one."""
        self.numbers: list[memoryview] = []
        """Data that lie in one piece, as far as they are in the file."""
        self.doubts: list[str] = []
        self._seen = set[int]()
        self._values = 0

    def run(self) -> None:
        """Walk.

        Raises:
            Hdf5Error: If the file is not what the specification says, or is more than is read here.
        """
        waiting = [self._root()]
        while waiting:
            at = waiting.pop()
            if at not in self._seen:
                self._seen.add(at)
                waiting += self._object(at)

    def _root(self) -> int:
        read = self._reader
        version = read.number(8, 1)
        if version in (0, 1):
            sizes, base, root = (13, 14), 24 + 4 * version, 24 + 4 * version + 40
        elif version in (2, 3):
            sizes, base, root = (9, 10), 12, 36
        else:
            raise Hdf5Error("has a superblock of an unknown version")
        if any(read.number(at, 1) != 8 for at in sizes) or read.number(base, 8) not in (0, self._before):
            raise Hdf5Error("has addresses of a kind that is not read here")
        return read.number(root, 8)

    def _object(self, at: int) -> list[int]:
        """Read one object, and return the addresses of those that it links to."""
        links: list[int] = []
        for kind, start, size, flags in _messages(self._reader, at):
            if kind in _READ and flags & _SHARED:
                self._doubt("shares parts of its description, which is not read here")
            elif kind == _SYMBOLS:
                links += self._symbols(start)
            elif kind == _LINK:
                links += self._link(start)
            elif kind == _LINK_INFO:
                links += self._dense_links(start)
            elif kind == _ATTRIBUTE:
                self._attribute(self._reader.take(start, size))
            elif kind == _ATTRIBUTE_INFO:
                self._dense_attributes(start)
            elif kind == _EXTERNAL:
                self._external(start)
            elif kind == _LAYOUT and self._reader.number(start, 1) >= 3:
                self._laid_out(start)
            elif kind == _DATATYPE:
                self._of_numbers(read_type(self._reader.take(start, size)))
        return links

    def _laid_out(self, start: int) -> None:
        """Note where the numbers of a data set lie, if they lie in one piece."""
        read = self._reader
        how = read.number(start + 1, 1)
        if how == _VIRTUAL:
            self._doubt("puts data together from other files")
        elif how == _COMPACT:
            self.numbers.append(read.view(start + 4, read.number(start + 2, 2)))
        elif how == _CONTIGUOUS and not read.is_nowhere(at := read.number(start + 2, 8)):
            self.numbers.append(read.view(at, read.number(start + 10, 8)))

    def _of_numbers(self, kind: Type) -> None:
        if not kind.plain:
            self._doubt("holds sequences, which PyTables may read as pickles")

    def _symbols(self, start: int) -> Iterator[int]:
        """Yield what an old group links to, through its tree."""
        read = self._reader
        waiting = [read.number(start, 8)]
        while waiting:
            at = waiting.pop()
            self._budget.fields_left -= 1
            if self._budget.fields_left < 0:
                raise Hdf5Error("has more objects than a scan looks at")
            if read.take(at, 4) == b"TREE":
                waiting += [read.number(at + 24 + 8 + 16 * child, 8) for child in range(read.number(at + 6, 2))]
            elif read.take(at, 4) == b"SNOD":
                for number in range(read.number(at + 6, 2)):
                    entry = at + 8 + _SYMBOL * number
                    if read.number(entry + 16, 4) != 2:
                        yield read.number(entry + 8, 8)
            else:
                raise Hdf5Error("has a group that cannot be read")

    def _link(self, start: int) -> list[int]:
        read, at = self._reader, start + 2
        flags = read.number(start + 1, 1)
        kind = read.number(at, 1) if flags & 8 else _HARD
        at += (1 if flags & 8 else 0) + (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
        width = 1 << (flags & 3)
        at += width + read.number(at, width)
        if kind == _HARD:
            return [read.number(at, 8)]
        if kind == _ELSEWHERE:
            target = read.take(at + 3, max(0, read.number(at, 2) - 1))
            self.elsewhere.append(target.partition(b"\0")[0].decode("utf-8", "replace"))
        elif kind != _SOFT:
            self._doubt("has a link of a kind of its own")
        return []

    def _dense_links(self, start: int) -> list[int]:
        at = start + 2 + (8 if self._reader.number(start + 1, 1) & 1 else 0)
        links: list[int] = []
        for message in self._dense(at, 5):
            inner = Walk(memoryview(message), self._budget)
            links += inner._link(0)
            self.elsewhere += inner.elsewhere
            self.doubts += inner.doubts
        return links

    def _dense_attributes(self, start: int) -> None:
        at = start + 2 + (2 if self._reader.number(start + 1, 1) & 1 else 0)
        for message in self._dense(at, 8):
            self._attribute(message)

    def _dense(self, at: int, kind: int) -> Iterator[bytes]:
        """Yield what lies in a heap, by the tree of the names."""
        read = self._reader
        heap, tree = read.number(at, 8), read.number(at + 8, 8)
        if not read.is_nowhere(heap):
            objects = Heap(read, heap)
            for record in records(read, tree, kind):
                yield objects.get(record[4:] if kind == 5 else record)

    def _attribute(self, message: bytes) -> None:
        read = Reader(memoryview(message), self._budget)
        version, flags = read.number(0, 1), read.number(1, 1)
        if version not in (1, 2, 3) or (version > 1 and flags):
            self._doubt("has an attribute that is not read here")
            return
        sizes = [read.number(at, 2) for at in (2, 4, 6)]
        at, step = 9 if version == 3 else 8, 8 if version == 1 else 1
        name = read.take(at, sizes[0]).rstrip(b"\0").decode("utf-8", "replace")
        at += -(-sizes[0] // step) * step
        kind = read_type(read.take(at, sizes[1]))
        at += -(-sizes[1] // step) * step
        at += -(-sizes[2] // step) * step
        if not kind.text and not kind.plain:
            self._doubt("has attributes that are records of sequences")
        elif kind.text:
            self.attributes.append(Attribute(name, list(self._values_of(kind, message[at:]))))

    def _values_of(self, kind: Type, data: bytes) -> Iterator[bytes]:
        size = kind.size
        if size <= 0 or (kind.sequence and size != 16):
            raise Hdf5Error("has an attribute of no size")
        for at in range(0, len(data) - size + 1, size):
            self._values += 1
            if self._values > _MOST_VALUES:
                raise Hdf5Error("has more attributes than a scan looks at")
            value = data[at : at + size]
            yield self._reader.heaped(value, kind.element) if kind.sequence else value.rstrip(b"\0")

    def _external(self, start: int) -> None:
        read = self._reader
        names = _heap_data(read, read.number(start + 8, 8))
        for slot in range(read.number(start + 6, 2)):
            at = names + read.number(start + 16 + 24 * slot, 8)
            self.elsewhere.append(read.upto(at, 4096).partition(b"\0")[0].decode("utf-8", "replace"))

    def _doubt(self, reason: str) -> None:
        if reason not in self.doubts:
            self.doubts.append(reason)


def leaves_folder(place: str) -> bool:
    """Return whether the name of another file leads out of the folder of this one."""
    path = PurePosixPath(place.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in place


def _heap_data(read: Reader, at: int) -> int:
    if read.take(at, 4) != b"HEAP":
        raise Hdf5Error("has names that cannot be read")
    return read.number(at + 24, 8)


def _messages(read: Reader, at: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield kind, first byte, size and flags of the messages of an object."""
    if read.take(at, 4) == b"OHDR":
        flags = read.number(at + 5, 1)
        start = at + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        waiting = [(start + width, read.number(start, width))]
        head, new = (6 if flags & 4 else 4), True
    elif read.number(at, 1) == 1:
        waiting, head, new = [(at + 16, read.number(at + 8, 4))], 8, False
    else:
        raise Hdf5Error("has an object that cannot be read")
    while waiting:
        start, size = waiting.pop()
        end = start + size
        while start + head <= end:
            kind, length = read.number(start, 1 if new else 2), read.number(start + (1 if new else 2), 2)
            flags = read.number(start + (3 if new else 4), 1)
            start += head
            if kind == _CONTINUATION and not flags & _SHARED:
                # A block of the new form has a signature before its messages and a checksum behind them.
                more, count = read.number(start, 8), read.number(start + 8, 8)
                waiting.append((more + 4, count - 8) if new else (more, count))
            yield kind, start, min(length, end - start), flags
            start += length
