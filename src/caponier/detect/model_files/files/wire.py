"""Protocol buffers, read field by field without knowing what they mean."""

from collections.abc import Iterator
from typing import Final

from caponier.detect.model_files.files.part import Budget
from caponier.detect.model_files.files.spans import find

_LARGE: Final = 64 << 20
_MORE, _BYTES, _LOWEST = 0x80, 2, 8
"""A byte that more follow, the kind of a field that has a length, and the tag of the first field."""
_OPENS, _CLOSES = 3, 4
"""An old way to hold fields, which no format here uses: readers pass over what they do not know."""


_SIGNS: Final = (b"\x12", b"\x10")
"""By these an operator of TensorFlow has its name, another file its place, and a set of operators its version."""


class WireError(Exception):
    """This is no protocol buffer, or has more fields than a scan reads."""


def messages(content: memoryview, budget: Budget) -> Iterator[tuple[int, memoryview]]:
    """Yield the fields of a message with their bytes; numbers have none, and groups are passed over.

    Raises:
        WireError: If it cannot be read on.
    """
    at, groups, end = 0, list[int](), len(content)
    while at < end:
        budget.fields_left -= 1
        if budget.fields_left < 0:
            raise WireError
        start = at
        tag = content[at]
        # Nearly all tags and lengths are one byte: a call for each of them takes most of the time.
        at += 1
        if tag >= _MORE:
            tag, at = varint(content, start)
        wire = tag & 7
        if wire == _BYTES:
            if at < end and content[at] < _MORE:
                length, at = content[at], at + 1
            else:
                length, at = varint(content, at)
            start, at = at, at + length
        elif wire == 0:
            _, at = varint(content, at)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        elif wire == _OPENS:
            groups.append(tag >> 3)
        elif wire != _CLOSES or not groups or groups.pop() != tag >> 3:
            raise WireError
        if at > end or tag < _LOWEST:
            raise WireError
        if not groups and wire != _CLOSES:
            yield tag >> 3, content[start:at] if wire == _BYTES else content[:0]
    if groups:
        raise WireError


def may_be(content: memoryview) -> bool:
    """Return whether content may hold the name of an operator or of a file, or a version: no text does.

    Nothing is searched for in what is large, and may be mapped: its first fields tell what it is.
    """
    return len(content) > _LARGE or any(find(content, sign, 0, len(content)) >= 0 for sign in _SIGNS)


def is_whole(content: memoryview, budget: Budget) -> bool:
    """Return whether content is one field after the other to its last byte."""
    try:
        for _ in messages(content, budget):
            pass
    except WireError:
        return False
    return True


def varint(content: memoryview, at: int) -> tuple[int, int]:
    """Return the number that stands at a place, seven bits a byte, and where it ends.

    Raises:
        WireError: If it does not end.
    """
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(content):
            raise WireError
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise WireError
