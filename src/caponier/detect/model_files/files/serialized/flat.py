"""Models in flat buffers: TFLite by its operators, and CatBoost's trees.

Neither has a way to call anything of Python's. What TFLite's interpreter calls is an operator, and its own compute.
"""

import struct
from typing import Final

from caponier.detect.model_files.files.part import Budget, PartReport

_CATBOOST: Final = b"CBM1"
_TFLITE: Final = b"TFL3"
_OPERATORS, _OLD_CODE, _NAME, _CODE = 1, 0, 1, 3
_CUSTOM, _DELEGATE = 32, 51
_MOST: Final = 10_000
_LONGEST: Final = 100


class _FlatError(Exception):
    pass


def is_tflite(head: bytes) -> bool:
    """Return whether this is how a model of TFLite begins."""
    return head[4:8] == _TFLITE


def read(content: memoryview, budget: Budget) -> PartReport | None:
    """Read a model; None if this is none."""
    head = bytes(content[:8])
    if is_tflite(head):
        budget.look(len(content))
        return _tflite(content)
    if head[:4] == _CATBOOST and len(head) == 8:
        part = PartReport("catboost")
        size = int.from_bytes(head[4:], "little")
        if size + 8 > len(content) or not _is_table(content[8 : 8 + size]):
            part.unknown.append("cannot be read as trees of CatBoost")
        return part
    return None


def _tflite(content: memoryview) -> PartReport:
    part, foreign = PartReport("tflite"), set[str]()
    try:
        root = _number(content, 0, "<I")
        for entry in _vector(content, _field(content, root, _OPERATORS)):
            name = _field(content, entry, _NAME)
            old, new = _field(content, entry, _OLD_CODE), _field(content, entry, _CODE)
            codes = {_number(content, old, "<b") if old else 0, _number(content, new, "<i") if new else 0}
            if name or codes & {_CUSTOM, _DELEGATE}:
                foreign.add(_text(content, name) if name else "without a name")
    except (_FlatError, struct.error):
        part.unknown.append("cannot be read as a model of TFLite")
    part.unknown += [f"needs an operator that is none of TFLite's own: {name}" for name in sorted(foreign)[:5]]
    return part


def _is_table(content: memoryview) -> bool:
    try:
        root = _number(content, 0, "<I")
        _field(content, root, 0)
    except (_FlatError, struct.error):
        return False
    return True


def _number(content: memoryview, at: int, form: str) -> int:
    width = struct.calcsize(form)
    if at < 0 or at + width > len(content):
        raise _FlatError
    return int(struct.unpack(form, content[at : at + width])[0])


def _field(content: memoryview, table: int, number: int) -> int:
    """Return where a field of a table lies, or 0 if it is not there."""
    directory = table - _number(content, table, "<i")
    if directory < 0 or 4 + 2 * number >= _number(content, directory, "<H"):
        return 0
    offset = _number(content, directory + 4 + 2 * number, "<H")
    return table + offset if offset else 0


def _vector(content: memoryview, at: int) -> list[int]:
    """Return where the tables of a list lie."""
    if not at:
        raise _FlatError
    start = at + _number(content, at, "<I")
    count = _number(content, start, "<I")
    if count > _MOST:
        raise _FlatError
    places = range(start + 4, start + 4 + 4 * count, 4)
    return [place + _number(content, place, "<I") for place in places]


def _text(content: memoryview, at: int) -> str:
    start = at + _number(content, at, "<I")
    length = min(_number(content, start, "<I"), _LONGEST)
    return bytes(content[start + 4 : start + 4 + length]).decode("utf-8", "replace")
