"""Bytes of HDF5: numbers, the heap for texts, the heap for many small things, and the tree that finds them."""

from collections.abc import Iterator
from typing import Final

from caponier.detect.model_files.files.part import Budget

_NOWHERE: Final = (1 << 64) - 1
_LONGEST: Final = 64 << 20
_DEEPEST: Final = 8
_OVERHEAD: Final = 10
"""Bytes of a tree's node besides its records: signature, version, type, checksum."""


class Hdf5Error(Exception):
    """This is no HDF5, or more than is read here."""


class Reader:
    """Reads numbers and bytes, within the file and within the limits."""

    def __init__(self, content: memoryview, budget: Budget) -> None:
        self.content, self.budget = content, budget
        self._heaps: dict[int, dict[int, tuple[int, int]]] = {}

    def number(self, at: int, width: int) -> int:
        """Return a number of so many bytes."""
        return int.from_bytes(self.take(at, width), "little")

    def take(self, at: int, count: int) -> bytes:
        """Return bytes.

        Raises:
            Hdf5Error: If they are not there, or there were too many.
        """
        self.budget.fields_left -= 1
        if at < 0 or count < 0 or at + count > len(self.content):
            raise Hdf5Error("points behind its end")
        if self.budget.fields_left < 0 or count > _LONGEST:
            raise Hdf5Error("has more in it than a scan looks at")
        return bytes(self.content[at : at + count])

    def view(self, at: int, count: int) -> memoryview:
        """Return as many bytes as there are, where they lie."""
        return self.content[max(0, at) : max(0, at) + max(0, count)]

    def upto(self, at: int, count: int) -> bytes:
        """Return so many bytes, or as many as there are."""
        return self.take(at, max(0, min(count, len(self.content) - at)))

    def is_nowhere(self, address: int) -> bool:
        """Return whether an address says that there is nothing."""
        return address == _NOWHERE

    def heaped(self, value: bytes, element: int) -> bytes:
        """Return the bytes of a sequence: its length, where its heap begins, and its number there."""
        count, at = int.from_bytes(value[:4], "little") * element, int.from_bytes(value[4:12], "little")
        if not count:
            return b""
        start, size = self._heap(at).get(int.from_bytes(value[12:16], "little"), (0, -1))
        if size < 0:
            raise Hdf5Error("has a text that is not there")
        self.budget.look(min(count, size))
        return self.take(start, min(count, size))

    def _heap(self, at: int) -> dict[int, tuple[int, int]]:
        if at not in self._heaps:
            if self.take(at, 4) != b"GCOL":
                raise Hdf5Error("has texts that cannot be read")
            found: dict[int, tuple[int, int]] = {}
            end, inner = at + self.number(at + 8, 8), at + 16
            while inner + 16 <= min(end, len(self.content)):
                number, size = self.number(inner, 2), self.number(inner + 8, 8)
                if number in found:
                    raise Hdf5Error("has a text twice, and readers differ in which one counts")
                if number:
                    found[number] = (inner + 16, size)
                # Of free room, which has the number 0, the size is told with its head.
                inner += max(16, (16 if number else 0) + -(-size // 8) * 8)
            self._heaps[at] = found
        return self._heaps[at]


class Heap:
    """A heap of many small things, in blocks whose sizes double."""

    def __init__(self, read: Reader, at: int) -> None:
        if read.take(at, 4) != b"FRHP" or read.number(at + 7, 2):
            raise Hdf5Error("has a heap that is compressed, or cannot be read")
        self._read = read
        most, bits = read.number(at + 10, 4), read.number(at + 128, 2)
        self._width, self._start, self._direct = (
            read.number(at + 110, 2),
            read.number(at + 112, 8),
            read.number(at + 120, 8),
        )
        self._root, self._rows = read.number(at + 132, 8), read.number(at + 140, 2)
        self._offset, self._length = -(-bits // 8), (min(self._direct, most).bit_length() + 7) // 8
        if not self._width or not self._start:
            raise Hdf5Error("has a heap that cannot be read")

    def get(self, identity: bytes) -> bytes:
        """Return what an identity stands for.

        Raises:
            Hdf5Error: If that lies outside of the heap's own blocks.
        """
        kind = identity[0] >> 4 & 3
        if kind == 2:
            return identity[1 : 2 + (identity[0] & 15)]
        if kind:
            raise Hdf5Error("has attributes of a size that is not read here")
        offset = int.from_bytes(identity[1 : 1 + self._offset], "little")
        length = int.from_bytes(identity[1 + self._offset : 1 + self._offset + self._length], "little")
        return self._read.take(self._place(offset), length)

    def _place(self, offset: int) -> int:
        if not self._rows:
            return self._root + offset
        # Behind signature, version, heap's address and the block's own offset.
        entries, begin = self._root + 13 + self._offset, 0
        for row in range(self._rows):
            size = self._start << max(0, row - 1)
            if size > self._direct:
                break
            if offset < begin + size * self._width:
                child = (offset - begin) // size
                at = self._read.number(entries + 8 * (row * self._width + child), 8)
                return at + (offset - begin) % size
            begin += size * self._width
        raise Hdf5Error("has a heap that is larger than is read here")


def records(read: Reader, at: int, kind: int) -> Iterator[bytes]:
    """Yield the records of a tree of the second version.

    Raises:
        Hdf5Error: If it cannot be read.
    """
    if read.take(at, 4) != b"BTHD" or read.number(at + 5, 1) != kind:
        raise Hdf5Error("has a tree that cannot be read")
    node, size, depth = read.number(at + 6, 4), read.number(at + 10, 2), read.number(at + 12, 2)
    root, count = read.number(at + 16, 8), read.number(at + 24, 2)
    if not size or depth > _DEEPEST or node <= _OVERHEAD + size:
        raise Hdf5Error("has a tree that cannot be read")
    if count:
        yield from _node(read, root, count, depth, _widths(node, size, depth), size)


def _widths(node: int, size: int, depth: int) -> list[tuple[int, int]]:
    """Return for each level above the leaves the bytes of a count, and of a count of all that is below."""
    most = (node - _OVERHEAD) // size
    narrow, below, widths = _bytes_for(most), most, [(0, 0)]
    for level in range(1, depth + 1):
        total = 0 if level == 1 else _bytes_for(below)
        widths.append((narrow, total))
        pointer = 8 + narrow + total
        fit = max(1, (node - _OVERHEAD - pointer) // (size + pointer))
        below = (fit + 1) * below + fit
    return widths


def _bytes_for(most: int) -> int:
    return max(1, (most.bit_length() + 7) // 8)


def _node(read: Reader, at: int, count: int, level: int, widths: list[tuple[int, int]], size: int) -> Iterator[bytes]:
    if read.take(at, 4) != (b"BTIN" if level else b"BTLF"):
        raise Hdf5Error("has a tree that cannot be read")
    for number in range(count):
        yield read.take(at + 6 + size * number, size)
    if level:
        narrow, total = widths[level]
        pointer = at + 6 + size * count
        for _ in range(count + 1):
            inner = read.number(pointer + 8, narrow)
            yield from _node(read, read.number(pointer, 8), inner, level - 1, widths, size)
            pointer += 8 + narrow + total
