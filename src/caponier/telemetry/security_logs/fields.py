"""A nested log row as flat fields: `{"user": {"name": "ada"}}` is `user.name = ada`.

Names are folded to lower case, because products disagree about it and an attacker must not gain by it. What is deep,
wide or long is bounded: a row of a log is hostile input.
"""

from typing import Any, Final

DEPTH: Final = 16
"""Objects and lists inside each other."""
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
    return flat, _put_object(flat, "", row, 1)


class _Keys:
    """Dotted names in lower case, made once: the events of one product have the same names again and again."""

    def __init__(self) -> None:
        self._made: dict[str, dict[str, str]] = {}
        self._count = 0

    def under(self, prefix: str) -> dict[str, str]:
        """Return the known names within a prefix."""
        found = self._made.get(prefix)
        if found is None:
            if self._count > REMEMBERED:
                # Names that somebody may choose must not fill the memory.
                self._made, self._count = {}, 0
            found = self._made[prefix] = {}
        return found

    def add(self, known: dict[str, str], prefix: str, name: str) -> str:
        """Make a name.

        Raises:
            TooLargeError: If it is too long.
        """
        key = (prefix + name).lower()
        if len(key) > NAME:
            raise TooLargeError(f"name too long: more than {NAME} characters")
        if self._count <= REMEMBERED:
            known[name] = key
            self._count += 1
        return key


_KEYS: Final = _Keys()


def _put_object(flat: Fields, prefix: str, node: dict[str, Any], depth: int) -> int:
    if depth > DEPTH:
        raise TooLargeError(f"too deep: more than {DEPTH} objects inside each other")
    cut, known = 0, _KEYS.under(prefix)
    for name, value in node.items():
        key = known.get(name) or _KEYS.add(known, prefix, name)
        kind = type(value)
        if kind is str and len(value) <= TEXT and len(flat) < FIELDS:
            if key not in flat:
                flat[key] = value
        elif kind is dict:
            cut += _put_object(flat, key + ".", value, depth + 1)
        elif kind is list:
            cut += _put_list(flat, key, value, depth + 1)
        elif value is not None:
            cut += _put(flat, key, value)
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


def _put_list(flat: Fields, key: str, items: list[Any], depth: int) -> int:
    if depth > DEPTH:
        raise TooLargeError(f"too deep: more than {DEPTH} objects inside each other")
    gathered: dict[str, list[Scalar]] = {}
    cut = 0
    for item in items:
        part: Fields = {}
        if type(item) is dict:
            cut += _put_object(part, key + ".", item, depth + 1)
        elif type(item) is list:
            cut += _put_list(part, key, item, depth + 1)
        elif item is not None:
            cut += _put(part, key, item)
        for name, value in part.items():
            gathered.setdefault(name, []).append(value)
        if len(gathered) > FIELDS:
            raise TooLargeError(f"too many fields: more than {FIELDS:,}")
    for name, values in gathered.items():
        cut += _put(flat, name, values[0] if len(values) == 1 else ", ".join(map(str, values)))
    return cut
