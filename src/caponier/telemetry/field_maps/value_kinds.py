"""What the values of a field are: numbers, names, classes, scores or times; and the features that are made of them."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, Final

from caponier.records.event import OPERATIONS
from caponier.records.field_map import MapFeature
from caponier.telemetry.chunk import Row
from caponier.telemetry.field_maps.named_features import is_missing
from caponier.telemetry.field_maps.paths import Records, escaped, steps_of
from caponier.telemetry.field_maps.time_forms import Ambiguous, time_form
from caponier.telemetry.framing.amounts import (
    DECIMAL_COMMA,
    decimal_in,
    joined,
    milliseconds_of,
    number_of,
    sample_number,
    without_money,
)
from caponier.telemetry.framing.written_values import numbers_text
from caponier.telemetry.readers.field_names import ASIDE, UNIONS, normal

MOST_CATEGORIES: Final = 50
LISTED: Final = 30
"""Categories that a map lists; others are told apart all the same."""
NEARLY: Final = 0.9
"""Share of the bodies of a sample that are read; a broken one among them decides nothing."""
NEARLY_ALL: Final = 0.95
RARE: Final = 0.02
"""Share of the objects of a sample below which a key in them is not looked at."""
ROWS_TO_TELL: Final = 20
"""Rows from which it is no chance that two columns agree, or that nothing changes."""
SLACK: Final = 0.02
"""By how much the scores of all classes, which were rounded, may miss one."""
LONGEST_CELL: Final = 64
"""Numbers of a list that stands in a column's place and is taken apart."""
OBJECTS: Final = 3
"""Objects in one another that are looked into for features."""
_PAIRS: Final = (("name", "value"), ("key", "value"), ("feature", "value"), ("column", "value"), ("label", "score"))
"""Keys of objects that are a name and what belongs to it."""
_REFERENCE: Final = re.compile(r"\w{1,10}://\S+|\S+\.(?:png|jpe?g|gif|webp|bmp|tiff?|wav|mp3|npy)")
_OBJECTS_AS_TEXT: Final = re.compile(r"\s*(?:\{|\[\s*(?:\[\s*)?\{)")
"""Objects, or lists of them, that stand there as text: no word for an answer begins so."""
_ABOUT_TYPE: Final = re.compile(r"[$@]|__|(?:self|cls)$")
"""How keys begin that a serialiser writes about an object, and what Python calls it."""
_ENCODED: Final = re.compile(r"(?:data:[\w/;+-]{1,40},)?[A-Za-z0-9+/_-]{32,}={0,2}")


def feature_of(name: str, path: str | None, values: list[Any]) -> MapFeature | None:
    """Return the feature that values are one of; None if they are an id, a text or nothing."""
    held = [value for value in values if not is_missing(value)]
    path = path if path is not None else (None if escaped(name) == name else escaped(name))
    if not held or any(isinstance(value, dict | list | date) for value in held):
        return None
    odd = [value for value in held if not is_number(value)]
    known = sorted({str(value) for value in held})
    are_many = len(known) > max(20, min(MOST_CATEGORIES, len(held) // 2))
    # A broken cell among numbers decides nothing; one that is there again and again is a category.
    if len(odd) <= (1 - NEARLY_ALL) * len(held) and (are_many or len(set(odd)) == len(odd)):
        return MapFeature(name=name, path=path)
    if are_many:
        return None
    return MapFeature(name=name, path=path, kind="category", categories=tuple(known) if len(known) <= LISTED else ())


def features_at(rows: Sequence[Row], path: str) -> tuple[MapFeature, ...]:
    """Return the features of the objects that stand at a path, by name; none where no object stands there."""
    before, each, after = path.partition("[]")
    held = Records(list(rows)).values(steps_of(before))
    if each:
        held = [one for value in held for one in (value if isinstance(value, list) else [])]
    objects = [value for value in held if isinstance(value, dict)]
    if after or not objects or len(objects) < NEARLY * len(held):
        return ()
    return tuple(sorted(features_of(objects, path), key=lambda feature: feature.name))


def features_of(values: Sequence[Row], path: str) -> list[MapFeature]:
    """Return the features of objects by name; a list of numbers in the place of one is taken apart, as an object is.

    Features of inner objects have their own names, as a model's columns have; where two agree, those of their objects
    stand before them.
    """
    found = _features_in(values, path, (), OBJECTS)
    often = Counter(names[-1] for names, _ in found)
    return [
        one.model_copy(update={"name": names[-1] if often[names[-1]] == 1 else ".".join(names)}) for names, one in found
    ]


def rare_among(often: Mapping[str, int], total: int) -> set[str]:
    """Return the keys of objects that stand in very few of them, where others stand in most.

    Whoever calls writes what he likes into what he sends: his own keys decide nothing for the rows of all others.

    Args:
        often: In how many of the objects each stands.
        total: How many objects there are.
    """
    has_core = max(often.values(), default=0) * 2 >= total
    return {key for key, count in often.items() if count < RARE * total} if has_core else set()


def _features_in(
    values: Sequence[Row], path: str, above: tuple[str, ...], deep: int
) -> list[tuple[tuple[str, ...], MapFeature]]:
    """Return features with the names that lead to them."""
    found: list[tuple[tuple[str, ...], MapFeature]] = []
    often = Counter(str(key) for value in values for key in value if key)
    rare = rare_among(often, len(values))
    for key in (one for one in often if one not in rare and not _ABOUT_TYPE.match(one)):
        held, where = [value.get(key) for value in values], f"{path}.{escaped(key)}"
        inner = [one for one in held if isinstance(one, dict)]
        if inner and deep and len(inner) >= NEARLY * sum(one is not None for one in held):
            if (kind := union_of(inner)) is not None:
                made = feature_of(
                    key, f"{where}.{kind}", [one.get(kind) if isinstance(one, dict) else None for one in held]
                )
                found += [((*above, key), one) for one in _listed(made)]
            elif normal(key) not in ASIDE:
                found += _features_in(inner, where, (*above, key), deep - 1)
            continue
        found += [((*above, one.name), one) for one in _features_at(key, where, held)]
    return found


def are_moments(values: Sequence[Any]) -> bool:
    """Tell whether all values are moments: a second clock of a row is no feature."""
    held = [value for value in values if not is_missing(value)]
    return bool(held) and _is_time(held)


def union_of(values: Sequence[Row]) -> str | None:
    """Return the type that a union of Avro names around each value in JSON, `{"double": 1.5}`; None if it is none."""
    kinds = {str(key) for value in values for key in value}
    return kinds.pop() if len(kinds) == 1 and kinds <= UNIONS and all(len(value) == 1 for value in values) else None


def _features_at(key: str, where: str, held: list[Any]) -> list[MapFeature]:
    sizes = {len(one) if isinstance(one, list) else -1 for one in held if one is not None}
    size = next(iter(sizes)) if len(sizes) == 1 else -1
    if not 0 < size <= LONGEST_CELL:
        return _listed(feature_of(key, where, held))
    found: list[MapFeature] = []
    for at in range(size):
        inner = [None if one is None else one[at] for one in held]
        found += _listed(feature_of(key if size == 1 else f"{key}[{at}]", f"{where}[{at}]", inner))
    return found


def mixed_rows(rows: Sequence[Any], path: str) -> list[MapFeature]:
    """Return the features of lists that hold a number or a category at each place; none where they hold numbers alone.

    Args:
        rows: Lists, a row each.
        path: Where they stand.
    """
    held = [row for row in rows if isinstance(row, list)]
    if len(held) < ROWS_TO_TELL or len({len(row) for row in held}) != 1:
        return []
    if not any(isinstance(one, str) and not is_number(one) for row in held[:ROWS_TO_TELL] for one in row):
        return []
    found = _features_at("input", path, held)
    # By place, as the model takes them, and not as texts are sorted.
    size = len(held[0])
    digits = len(str(size - 1))
    named = [one.model_copy(update={"name": f"column_{at:0{digits}}"}) for at, one in enumerate(found)]
    return named if len(found) == size else []


def _listed(feature: MapFeature | None) -> list[MapFeature]:
    return [] if feature is None else [feature]


def named_values(items: Sequence[Row], path: str) -> list[MapFeature]:
    """Return the features of a list of objects that are a name and a value each; none where they are something else."""
    keys = next((pair for pair in _PAIRS if all(pair[0] in one and pair[1] in one for one in items)), None)
    if keys is None:
        return []
    name, value = keys
    held: dict[str, list[Any]] = {}
    for one in items:
        held.setdefault(str(one[name]), []).append(one[value])
    made = (
        feature_of(key, f"{path}[{name}={key}].{escaped(value)}", values)
        for key, values in held.items()
        if key and not set(key) & set("[]=")
    )
    return [feature for feature in made if feature is not None]


def nearly(told: Iterable[bool]) -> bool:
    """Tell whether it is so of nearly all: a broken row in a sample decides nothing."""
    flags = list(told)
    return sum(flags) >= NEARLY_ALL * len(flags)


def alike(values: list[Any]) -> list[Any]:
    """Return the values of the most frequent kind: a broken row among them decides nothing."""
    kinds = [next((kind for kind in (dict, list, str) if isinstance(one, kind)), float) for one in values]
    # Of two that are as frequent, the first one.
    usual = max(dict.fromkeys(kinds), key=kinds.count, default=str)
    return [one for one, kind in zip(values, kinds, strict=True) if kind is usual]


def is_number(value: Any) -> bool:
    """Tell whether a value is a number, or the text of one."""
    if isinstance(value, str):
        if number_of(value) is None:
            return DECIMAL_COMMA.fullmatch(joined(without_money(value.strip().rstrip("% \u00a0\u202f")))) is not None
        text = value.strip()
        # 007 is a name.
        return not (len(text) > 1 and text[0] == "0" and text[1].isdecimal())
    return isinstance(value, int | float)


def is_number_list(value: Any) -> bool:
    """Tell whether a text is several numbers with something between them."""
    parts = re.split(r"[,;\s]+", value.strip()) if isinstance(value, str) else []
    return len(parts) > 1 and all(map(is_number, parts))


def is_array(text: str) -> bool:
    """Tell whether a text is an array as JSON, Python, NumPy or PyTorch print one."""
    return (text[:1] in ("[", "(", "{") or text[-1:] == ")") and numbers_text(text) is not None


def is_encoded(values: list[Any]) -> bool:
    """Tell whether texts are pictures or tensors in base64, and nothing that somebody wrote."""
    return nearly(isinstance(value, str) and _ENCODED.fullmatch(value[:1_000].strip()) is not None for value in values)


def are_references(values: list[Any]) -> bool:
    """Tell whether texts are addresses or paths of files."""
    return nearly(
        isinstance(value, str) and _REFERENCE.fullmatch(value.strip()[:1_000]) is not None for value in values
    )


def are_probabilities(values: list[Any]) -> bool:
    """Tell whether answers are lists of shares, or lists of such lists."""
    return nearly(
        are_shares(value)
        or (isinstance(value, list) and bool(value) and all(isinstance(one, list) and are_shares(one) for one in value))
        for value in values
    ) and any(isinstance(one, float) for value in values for one in _flat(value))


def are_amounts(values: list[Any]) -> bool:
    """Tell whether answers are as many amounts each, as of a model that predicts several at once."""
    sizes = {len(value) if isinstance(value, list) else 0 for value in values}
    return len(sizes) == 1 and min(sizes) > 1 and all(map(is_continuous, map(list, zip(*values, strict=True))))


def _flat(value: Any) -> list[Any]:
    return [inner for one in value for inner in _flat(one)] if isinstance(value, list) else [value]


def is_continuous(values: list[Any]) -> bool:
    """Tell whether answers are amounts and no classes."""
    told = [
        value
        for value in values
        if isinstance(value, float) or (isinstance(value, str) and is_number(value) and set(value) & set(".,"))
    ]
    return len(told) > len(values) // 2 and len({str(value) for value in told}) > 20


def as_long(asked: list[Any], answers: list[Any]) -> bool:
    """Tell whether answers are lists as long as what was asked."""
    pairs = list(zip(asked, answers, strict=False))
    return bool(pairs) and nearly(isinstance(a, list) and isinstance(b, list) and len(a) == len(b) for a, b in pairs)


def is_name(values: list[Any]) -> bool:
    """Tell whether values may be names."""
    return nearly(isinstance(value, str | int | float) for value in values)


def are_shares(value: Any) -> bool:
    """Tell whether numbers are the shares of two classes or more."""
    numbers = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return len(numbers) > 1 and all(
        isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one <= 1 for one in numbers
    )


def _is_answer(values: list[Any]) -> bool:
    return nearly(
        (isinstance(value, str) and _OBJECTS_AS_TEXT.match(value) is None)
        or isinstance(value, int | float)
        or (isinstance(value, list) and not _holds_objects(value))
        for value in values
    )


def _holds_objects(value: list[Any]) -> bool:
    return any(isinstance(one, dict) or (isinstance(one, list) and _holds_objects(one)) for one in value[:5])


def _is_scores(values: list[Any]) -> bool:
    return nearly(
        (isinstance(value, list) and not _holds_objects(value))
        or is_number(value)
        or is_number_list(value)
        or (isinstance(value, str) and is_array(value.strip()))
        or (isinstance(value, dict) and all(map(is_number, value.values())))
        for value in values
    )


def _is_time(values: list[Any]) -> bool:
    try:
        time_form(values)
    except Ambiguous:
        return True
    except ValueError:
        return False
    return True


def _are_numbers(values: list[Any]) -> bool:
    return nearly(is_number(value) for value in values)


def are_spans(values: Sequence[Any]) -> bool:
    """Tell whether texts are spans of time that name their unit."""
    return nearly(isinstance(one, str) and milliseconds_of(one, decimal_in(one)) is not None for one in values)


def _are_durations(values: list[Any]) -> bool:
    return (_are_numbers(values) and not _rise(values)) or are_spans(values)


def _rise(values: list[Any]) -> bool:
    """Tell whether each number is larger than the one before: such is the time since a program was started."""
    numbers = [sample_number(one) for one in values if is_number(one)]
    return len(numbers) >= ROWS_TO_TELL and all(one < after for one, after in pairwise(numbers))


def _are_operations(values: list[Any]) -> bool:
    """Tell whether values are operations of the event schema; what others call theirs, such as `Converse`, is none."""
    return nearly(value in OPERATIONS for value in values)


FITS: Final[dict[str, Callable[[list[Any]], bool]]] = {
    "time": _is_time,
    "label": _is_answer,
    "scores": _is_scores,
    "operation": _are_operations,
    "status": _are_numbers,
    "latency_ms": _are_durations,
    "cost": _are_numbers,
}
