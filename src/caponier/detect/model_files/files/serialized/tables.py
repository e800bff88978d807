"""The index of a checkpoint of TensorFlow: a sorted table of names, each with the kind, shape and place of its numbers.

The numbers lie beside it. A table is clean if its blocks are all that the file has, and all that they say is that.
"""

from collections.abc import Iterator
from typing import Final

import pyarrow

from caponier.detect.model_files.files.part import Budget, PartReport
from caponier.detect.model_files.files.wire import WireError, messages, varint

_SIGN: Final = bytes.fromhex("57fb808b247547db")
_FOOT, _TRAILER, _WORD = 48, 5, 4
_HEADER_FIELDS, _ENTRY_FIELDS = frozenset({1, 2, 3}), frozenset({1, 2, 3, 4, 5, 6, 7})
_KIND: Final = 1
_MOST_RESTARTS: Final = 1 << 20
_MOST_BLOCKS: Final = 100_000
_PLAIN, _SNAPPY = 0, 1


class _TableError(Exception):
    pass


def read(content: memoryview, budget: Budget) -> PartReport | None:
    """Read a table; None if this is none."""
    if len(content) < _FOOT or bytes(content[-len(_SIGN) :]) != _SIGN:
        return None
    part = PartReport("tensorflow checkpoint")
    try:
        _read(content, budget)
    except (_TableError, WireError):
        part.unknown.append("holds data, and cannot be read to its end: the weights lie beside it")
    return part


def _read(content: memoryview, budget: Budget) -> None:
    foot = content[-_FOOT:]
    meta, at = _handle(foot, 0)
    index, at = _handle(foot, at)
    if any(foot[at : -len(_SIGN)]):
        raise _TableError
    blocks = [meta, index]
    for _, value in _entries(_block(content, index, budget), budget):
        place, end = _handle(value, 0)
        if end != len(value) or len(blocks) > _MOST_BLOCKS:
            raise _TableError
        blocks.append(place)
    at = 0
    for start, size in sorted(blocks):
        # What lies between blocks, or twice in one, is nothing that TensorFlow writes.
        if start != at:
            raise _TableError
        at = start + size + _TRAILER
    if at != len(content) - _FOOT or next(_entries(_block(content, meta, budget), budget), None) is not None:
        raise _TableError
    for place in blocks[2:]:
        for name, value in _entries(_block(content, place, budget), budget):
            fields = _ENTRY_FIELDS if name else _HEADER_FIELDS
            if any(number not in fields for number, _ in messages(value, budget)):
                raise _TableError


def _handle(content: memoryview, at: int) -> tuple[tuple[int, int], int]:
    start, at = varint(content, at)
    size, at = varint(content, at)
    return (start, size), at


def _block(content: memoryview, place: tuple[int, int], budget: Budget) -> memoryview:
    """Return a block without the places at its end from which names are whole."""
    start, size = place
    if start + size + _TRAILER > len(content) - _FOOT:
        raise _TableError
    block = content[start : start + size]
    if content[start + size] == _SNAPPY:
        block = _expanded(block, budget)
    elif content[start + size] != _PLAIN:
        raise _TableError
    restarts = int.from_bytes(block[-_WORD:], "little")
    if len(block) < _WORD or restarts > _MOST_RESTARTS or _WORD * (restarts + 1) > len(block):
        raise _TableError
    return block[: len(block) - _WORD * (restarts + 1)]


def _expanded(block: memoryview, budget: Budget) -> memoryview:
    size, _ = varint(block, 0)
    budget.spend(size)
    try:
        return memoryview(pyarrow.Codec("snappy").decompress(bytes(block), size))
    except (ValueError, OSError, pyarrow.ArrowException) as fault:
        raise _TableError from fault


def _entries(block: memoryview, budget: Budget) -> Iterator[tuple[bytes, memoryview]]:
    """Yield names and what they stand for; of a name only what differs from the one before is written."""
    at, name = 0, b""
    while at < len(block):
        budget.fields_left -= 1
        shared, at = varint(block, at)
        fresh, at = varint(block, at)
        size, at = varint(block, at)
        if budget.fields_left < 0 or shared > len(name) or at + fresh + size > len(block):
            raise _TableError
        name = name[:shared] + bytes(block[at : at + fresh])
        at += fresh
        yield name, block[at : at + size]
        at += size
