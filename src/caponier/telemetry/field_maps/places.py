"""Where in a sample of rows something stands, however deep, and what stands there."""

import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from caponier.telemetry.chunk import Row
from caponier.telemetry.field_maps.paths import escaped
from caponier.telemetry.field_maps.value_kinds import alike, rare_among
from caponier.telemetry.framing.written_values import loaded
from caponier.telemetry.readers.field_names import ALIASES, UNIONS, normal

DEEPEST: Final = 6
NESTED: Final = 64
"""Objects and lists in each other, beyond which somebody has tried how much a reader bears."""
WIDEST: Final = 2_000
LONGEST: Final = 2**16
"""Letters of a text that is looked into for an object; a longer one is a body, and read as such."""
USUAL: Final = 0.2
"""Share, of the rows that have the most frequent of several fields, in which another stands that is taken."""
ALWAYS: Final = 0.95
"""Share of the texts of a field that are objects, where it holds objects."""
READ: Final = "\0json"
"""The step into an object that stands as text."""

_OPEN_INFERENCE: Final = re.compile(r":(\w{1,40})\.(\w{1,40}):(\w{1,200})")
"""How OpenInference calls columns: `:prediction.label:churned`."""

Key = TypeVar("Key")
Place = tuple[str, ...]
Nodes = dict[Place, list[Any]]


def nodes_of(rows: Sequence[Row]) -> Nodes:
    """Return every place of a sample, with the values that stand there."""
    nodes: Nodes = {}
    for row in rows:
        _walk(row, (), nodes)
    if len(nodes) >= WIDEST:
        # A row with a hundred thousand keys takes no place from the others: it comes last.
        known: Nodes = {}
        for row in sorted(rows, key=_size):
            _walk(row, (), known)
        allowed: Nodes = {place: [] for place in nodes if place in known} | {place: [] for place in known}
        for row in rows:
            _walk(row, (), allowed)
        nodes = {place: held for place, held in allowed.items() if held}
    _leave_rare(nodes)
    for place in [place for place in nodes if place[-1] == READ]:
        held = [value for value in nodes.get(place[:-1], ()) if value not in (None, "")]
        if len(nodes.get(place, ())) < ALWAYS * len(held):
            # A text, of which a caller made one that looks like an object.
            for one in [one for one in nodes if one[: len(place)] == place]:
                del nodes[one]
    return nodes


def _size(row: Row) -> int:
    """Count the keys of a row, also of objects in it."""
    left: list[tuple[Any, int]] = [(row, 0)]
    size = 0
    while left:
        held, depth = left.pop()
        size += len(held)
        left += [(one, depth + 1) for one in held.values() if isinstance(one, dict) and depth < DEEPEST]
    return size


def _leave_rare(nodes: Nodes) -> None:
    """Leave out what only a few objects of a field hold; at the top it may be of the few rows that are calls."""
    inner: dict[Place, dict[str, int]] = {}
    for place, held in nodes.items():
        if len(place) > 1 and place[-1] != READ:
            inner.setdefault(place[:-1], {})[place[-1]] = len(held)
    rare: set[Place] = set()
    for above, often in inner.items():
        total = sum(isinstance(one, dict) for one in nodes.get(above, ()))
        # Feedback is seldom given, and says of its own row alone.
        rare |= {(*above, key) for key in rare_among(often, total) if normal(key) not in ALIASES["feedback"]}
    for place in [place for place in nodes if any(place[: at + 1] in rare for at in range(len(place)))] if rare else ():
        del nodes[place]


def _walk(held: Row, above: Place, nodes: Nodes) -> None:
    for key, value in held.items():
        name = str(key)
        place = (*above, name)
        # A field without a name has no path.
        if not name or "\0" in name or (place not in nodes and len(nodes) >= WIDEST):
            continue
        nodes.setdefault(place, []).append(value)
        if len(keys_of(place)) >= DEEPEST:
            continue
        if isinstance(value, dict):
            _walk(value, place, nodes)
        elif (inner := _object_in(value)) is not None:
            nodes.setdefault((*place, READ), []).append(inner)
            _walk(inner, (*place, READ), nodes)


def _object_in(value: Any) -> Row | None:
    if not isinstance(value, str) or len(value) > LONGEST or value.lstrip()[:1] != "{":
        return None
    inner = loaded(value)
    return inner if isinstance(inner, dict) else None


def is_deep(row: Row) -> bool:
    """Tell whether objects and lists stand in each other deeper than any log has them."""
    left: list[tuple[Any, int]] = [(row, 0)]
    while left:
        value, depth = left.pop()
        if depth > NESTED:
            return True
        inner = value.values() if isinstance(value, dict) else value
        left += [(one, depth + 1) for one in inner if isinstance(one, dict | list)]
    return False


def usual(ranked: Sequence[tuple[Key, Place]], nodes: Nodes) -> list[tuple[Key, Place]]:
    """Leave out fields that only a few rows have: they decide nothing for all others, whatever they are called.

    Args:
        ranked: Fields that may mean the same, the surest first.
        nodes: The fields of a sample.
    """
    most = max((len(nodes[place]) for _, place in ranked), default=0)
    return [one for one in ranked if len(nodes[one[1]]) >= USUAL * most]


def path_of(place: Place) -> str:
    """Write a place as a path."""
    parts = ["|json" if step == READ else f".{escaped(step)}" for step in place]
    return "".join(parts).removeprefix(".")


def keys_of(place: Place) -> Place:
    """Return the keys of a place, without the steps into texts."""
    return tuple(step for step in place if step != READ)


def below(place: Place, nodes: Nodes) -> Place | None:
    """Return where the object stands that a field holds, as one or as text; None if it holds none."""
    if any(isinstance(value, dict) for value in alike([value for value in nodes.get(place, ()) if value is not None])):
        return place
    return (*place, READ) if (*place, READ) in nodes else None


def names_of(place: Place) -> tuple[str, ...]:
    """Return what a field is called: by itself, and with what stands before it; the surest first."""
    if place[-1] == READ:
        return ()
    keys = keys_of(place)
    if len(keys) > 1 and keys[-1] in UNIONS:
        keys = keys[:-1]
    last = normal(keys[-1])
    names = (last, f"{normal(keys[-2])}_{last}") if len(keys) > 1 else (last,)
    if told := _OPEN_INFERENCE.fullmatch(keys[-1]):
        return (normal(f"{told[1]}_{told[2]}"), normal(told[3]))
    *above, inner = keys[-1].split(".")
    # `user.name` and `ml.prediction.class`, where a store of logs writes places as names.
    return (*names, normal(inner), normal(f"{above[-1]}_{inner}")) if above and inner else names
