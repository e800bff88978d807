"""A nested log row as flat fields: `{"user": {"name": "ada"}}` is `user.name = ada`.

Names are folded to lower case, because products disagree about it and an attacker must not gain by it. What is deep,
wide or long is bounded: a row of a log is hostile input.
"""

from typing import Any, Final

DEPTH: Final = 16
"""Objects and lists inside each other."""
DEEPEST: Final = 64
"""The same, within envelopes and before anything is left out: what lies deeper is part of no event that is read."""
FIELDS: Final = 1_000
NAME: Final = 256
"""Characters of a dotted name."""
REMEMBERED: Final = 50_000
"""Names that are not made anew."""
TEXT: Final = 65_536
"""Characters of a value that are read; what follows is cut off."""

Scalar = str | int | float
Fields = dict[str, Scalar]

_INT64: Final = 2**63


class TooLargeError(ValueError):
    """The row is deeper or wider than a log row may be."""


def flatten(row: dict[str, Any]) -> tuple[Fields, int]:
    """Flatten one row.

    A list of one element is that element; a longer one is its elements, joined by a comma and a blank, and a list of
    objects is such a list for each of their fields. A null is an absent field, a boolean the text `true` or `false`.
    Of two fields whose names differ in case alone the first one counts.

    Returns:
        The fields, and how many values were cut off.

    Raises:
        TooLargeError: If the row is too deep, has too many fields or a name that is too long.
    """
    flat: Fields = {}
    return flat, _put_object(flat, _PLACES.begin(), row, 1)


def bounded(row: dict[str, Any]) -> tuple[Fields, int]:
    """Flatten one row, without what somebody put into it that makes it too large.

    Who writes a thousand annotations, or one with a long name, must not hide by them what he did. Of a map below the
    row's own fields only so many names are kept that all fits; what is too deep, or called too long, is left out.

    Returns:
        As `flatten`; what was left out is counted as one value.

    Raises:
        TooLargeError: If the row's own fields are too many.
    """
    try:
        return flatten(row)
    except TooLargeError as large:
        for most, deepest in _TURNS:
            try:
                fields, cut = flatten({name: _part(value, len(name), deepest, most) for name, value in row.items()})
            except TooLargeError:
                continue
            return fields, cut + 1
        raise large


_TURNS: Final = ((64, DEPTH), (16, DEPTH), (16, 4))
"""Names that are kept of each map and the depth to which anything is, by turns; then lists are cut, too."""


def _part(node: Any, length: int, left: int, most: int) -> Any:
    if type(node) is dict:
        if left <= 1:
            return None
        fits = [(name, value) for name, value in node.items() if length + 1 + len(name.lower()) <= NAME]
        return {name: _part(value, length + 1 + len(name), left - 1, most) for name, value in fits[:most]}
    if type(node) is list:
        items = node if most > _TURNS[-1][0] else node[:most]
        return None if left <= 1 else [_part(item, length, left - 1, most) for item in items]
    return node


def shallow(row: Any) -> dict[str, Any] | None:
    """Return an object without what lies too deep in it for any event, so that whoever looks into it may call himself.

    Args:
        row: What was read, of any depth.

    Returns:
        The object with nulls in those places; None if there are none, or if it is no object.
    """
    whole = [row]
    waiting: list[tuple[Any, int]] = [(whole, 0)]
    cut = False
    while waiting:
        node, depth = waiting.pop()
        for name, part in [*(node.items() if isinstance(node, dict) else enumerate(node))]:
            if not isinstance(part, dict | list):
                continue
            if depth > DEEPEST:
                node[name], cut = None, True
            else:
                node[name] = part.copy()
                waiting.append((node[name], depth + 1))
    return whole[0] if cut and isinstance(whole[0], dict) else None


class _Place:
    """A dotted name in lower case and what is below it, made once: a product has the same names again and again."""

    __slots__ = ("key", "known", "prefix")

    def __init__(self, key: str, prefix: str) -> None:
        self.key, self.prefix = key, prefix
        self.known: dict[str, _Place] = {}


class _Places:
    """The names that were made."""

    def __init__(self) -> None:
        self._top = _Place("", "")
        self._count = 0

    def begin(self) -> _Place:
        """Return the place of a whole row, without names where there are too many: somebody may choose them."""
        if self._count > REMEMBERED:
            self._top, self._count = _Place("", ""), 0
        return self._top

    def add(self, above: _Place, name: str) -> _Place:
        """Make the name of a field within another one.

        Raises:
            TooLargeError: If it is too long.
        """
        key = (above.prefix + name).lower()
        if len(key) > NAME:
            raise TooLargeError(f"name too long: more than {NAME} characters")
        place = _Place(key, key + ".")
        if self._count <= REMEMBERED:
            above.known[name] = place
            self._count += 1
        return place


_PLACES: Final = _Places()


def _put_object(flat: Fields, above: _Place, node: dict[str, Any], depth: int) -> int:
    if depth > DEPTH:
        raise TooLargeError(f"too deep: more than {DEPTH} objects inside each other")
    cut, known = 0, above.known
    for name, value in node.items():
        try:
            place = known[name]
        except KeyError:
            place = _PLACES.add(above, name)
        kind = type(value)
        if kind is str and len(value) <= TEXT and len(flat) < FIELDS:
            key = place.key
            if key not in flat:
                flat[key] = value
        elif kind is dict:
            cut += _put_object(flat, place, value, depth + 1)
        elif kind is list:
            cut += _put_list(flat, place, value, depth + 1)
        elif value is not None:
            cut += _put(flat, place.key, value)
    return cut


def _put(flat: Fields, key: str, value: Any) -> int:
    if value is True or value is False:
        value = "true" if value else "false"
    elif type(value) is int and not -_INT64 <= value < _INT64:
        value = str(value)
    # At once, not at the end of the object: names repeat their parents', so a short line could fill the memory.
    if len(flat) >= FIELDS and key not in flat:
        raise TooLargeError(f"too many fields: more than {FIELDS:,}")
    long = type(value) is str and len(value) > TEXT
    flat.setdefault(key, value[:TEXT] if long else value)
    return int(long)


def _put_list(flat: Fields, place: _Place, items: list[Any], depth: int) -> int:
    if depth > DEPTH:
        raise TooLargeError(f"too deep: more than {DEPTH} objects inside each other")
    if len(items) == 1 and type(items[0]) is dict:
        return _put_object(flat, place, items[0], depth + 1)
    if len(items) == 1 and type(items[0]) is str:
        return _put(flat, place.key, items[0])
    gathered: dict[str, list[Scalar]] = {}
    cut = 0
    for item in items:
        part: Fields = {}
        if type(item) is dict:
            cut += _put_object(part, place, item, depth + 1)
        elif type(item) is list:
            cut += _put_list(part, place, item, depth + 1)
        elif item is not None:
            cut += _put(part, place.key, item)
        for name, value in part.items():
            gathered.setdefault(name, []).append(value)
        if len(gathered) > FIELDS:
            raise TooLargeError(f"too many fields: more than {FIELDS:,}")
    for name, values in gathered.items():
        cut += _put(flat, name, values[0] if len(values) == 1 else ", ".join(map(str, values)))
    return cut
