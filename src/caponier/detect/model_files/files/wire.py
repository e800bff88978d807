"""Protocol buffers, read field by field without knowing what they mean."""

from collections.abc import Iterator

from caponier.detect.model_files.files.part import Budget


class WireError(Exception):
    """This is no protocol buffer, or has more fields than a scan reads."""


def messages(content: memoryview, budget: Budget) -> Iterator[tuple[int, memoryview]]:
    """Yield the fields of a message with their bytes; numbers have none.

    Raises:
        WireError: If it cannot be read on.
    """
    at = 0
    while at < len(content):
        budget.fields_left -= 1
        if budget.fields_left < 0:
            raise WireError
        tag, at = _varint(content, at)
        wire, end = tag & 7, at
        if wire == 0:
            _, end = _varint(content, at)
        elif wire == 2:
            length, at = _varint(content, at)
            end = at + length
        elif wire in (1, 5):
            end = at + (8 if wire == 1 else 4)
        else:
            raise WireError
        if end > len(content) or tag >> 3 == 0:
            raise WireError
        yield tag >> 3, content[at:end] if wire == 2 else content[:0]
        at = end


def _varint(content: memoryview, at: int) -> tuple[int, int]:
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
