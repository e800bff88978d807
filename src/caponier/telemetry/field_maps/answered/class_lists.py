"""Lists of classes with a score each: as objects, as pairs, or as two lists beside each other."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

from caponier.records.field_map import MapColumn
from caponier.telemetry.field_maps.paths import escaped
from caponier.telemetry.field_maps.places import Nodes, Place
from caponier.telemetry.field_maps.value_kinds import (
    FITS,
    NEARLY,
    SLACK,
    are_shares,
    is_continuous,
    is_number,
    nearly,
)
from caponier.telemetry.framing.amounts import sample_number
from caponier.telemetry.framing.written_values import loaded
from caponier.telemetry.readers.field_names import ALIASES, LIKE, normal

MOST_CLASSES: Final = 100
_MOST: Final = 1e300
_LOOKED_AT: Final = 1_000
_MOST_KEYS: Final = 3
"""Keys of an object that is a class and its score, and perhaps its number."""
_CLASS: Final = (
    *("label", "class", "class_name", "category", "item", "item_id", "product_id", "tag", "id", "name"),
    *("doc", "doc_id", "document", "document_id", "key", "title", "url", "sku", "product", "user_id"),
)
_SCORE: Final = ("score", "probability", "prob", "proba", "confidence", "relevance", "similarity", "p")
"""Keys of objects that are a class and its score; the surest come first."""
_CLASSES_ALONE: Final = ("label", "class", "class_name", "category")
"""What is called so beside a `value` is a class, and no feature."""


def listed_scores(values: Sequence[Any], path: str) -> dict[str, MapColumn] | None:
    """Return how lists of classes with a score each are read; None where values are no such lists.

    Where each list has every class, these are the scores. Where each has a few of many, the best first, it says what
    the answer was and its score, and not the others'.

    Args:
        values: What stands at the path.
        path: The field.
    """
    if (pairs := _listed_pairs(values, path)) is not None:
        return pairs
    lists, inside = _lists_of(values)
    items = [one for held in lists for one in held]
    if not items:
        return None
    path = f"{path}{inside}"
    name = _key(items, _CLASS)
    score = _key(items, (*_SCORE, "value") if name in _CLASSES_ALONE else _SCORE)
    if name is None or score is None:
        name, score = _pair_by_shape(items)
    if name is None or score is None or not nearly(is_number(one.get(score)) for one in items):
        return None
    classes = sorted({str(one[name]) for one in items if one.get(name) is not None})
    are_all = nearly(len({str(one.get(name)) for one in held}) == len(classes) for held in lists)
    if are_all and 1 < len(classes) <= MOST_CLASSES and not any(set(one) & set("[]=") for one in classes):
        parts = tuple(f"{path}[{name}={one}].{escaped(score)}" for one in classes)
        return {"scores": MapColumn(parts=parts, classes=tuple(classes))}
    if not nearly(_is_descending([one.get(score) for one in held]) for held in lists):
        return None
    return {
        "label": MapColumn(path=(f"{path}[0].{escaped(name)}",)),
        "scores": MapColumn(path=(f"{path}[0].{escaped(score)}",)),
    }


def _pair_by_shape(items: Sequence[dict[str, Any]]) -> tuple[str | None, str | None]:
    """Return the only text and the only share of objects that have both, whatever they are called."""
    keys = [str(key) for key in items[0]]
    texts = [key for key in keys if nearly(isinstance(one.get(key), str) for one in items)]
    shares = [key for key in keys if nearly(isinstance(one.get(key), float) and 0 <= one[key] <= 1 for one in items)]
    return (texts[0], shares[0]) if len(texts) == len(shares) == 1 and len(keys) <= _MOST_KEYS else (None, None)


def _listed_pairs(values: Sequence[Any], path: str) -> dict[str, MapColumn] | None:
    """Return how lists of pairs of a class and its score are read, where the classes stand in one order in all of them.

    TensorFlow Serving answers so: `[["a", 0.9], ["b", 0.1]]`.
    """
    held = [value for value in values if value not in (None, "", [])]
    if not held or not all(
        isinstance(value, list) and all(isinstance(one, list) and len(one) == 2 for one in value) for value in held
    ):
        return None
    found = [class_pairs(value) for value in held]
    if None in found or len({tuple(one or ()) for one in found}) != 1:
        return None
    classes = tuple(found[0] or ())
    if not 1 < len(classes) <= MOST_CLASSES:
        return None
    return {"scores": MapColumn(parts=tuple(f"{path}[{at}][1]" for at in range(len(classes))), classes=classes)}


def only_in_text(values: Sequence[Any]) -> str:
    """Return the steps to the only class in lists that stand as text, as Azure logs the answer to one row."""
    if not values or not all(isinstance(one, str) and one[:1] == "[" for one in values):
        return ""
    held = [loaded(one) for one in values]
    are_single = all(isinstance(one, list) and len(one) == 1 and isinstance(one[0], str | int) for one in held)
    return "|json[0]" if are_single else ""


def class_pairs(held: Any) -> dict[str, float] | None:
    """Return the score of each class in a list of these, as objects or as pairs; None where it is no such list.

    Args:
        held: What may be one: `[{"label": "a", "value": 0.9}, …]`, or `[["a", 0.9], …]`.
    """
    if not isinstance(held, list) or not held:
        return None
    if all(isinstance(one, dict) for one in held):
        name, score = _key(held, _CLASS), _key(held, (*_SCORE, "value"))
        pairs = [(one.get(name), one.get(score)) for one in held] if name and score else []
    else:
        pairs = [tuple(one) for one in held if isinstance(one, list) and len(one) == 2]
    found = {
        name: float(score)
        for name, score in pairs
        # Whole numbers in JSON have no limit, and amounts do.
        if isinstance(name, str) and type(score) in (int, float) and abs(score) <= _MOST
    }
    return found if found and len(found) == len(held) else None


def ranked_items(nodes: Nodes, used: set[Place], scores: Place) -> Place | None:
    """Return the list beside scores, the best first, that says what each is of, where it is other things in each row.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
        scores: The field of the scores.
    """
    beside = (one for one in nodes if one[:-1] == scores[:-1] and one not in used and one != scores)
    return next((one for one in beside if are_ranked(nodes[one], nodes[scores])), None)


def are_ranked(classes: Sequence[Any], scores: Sequence[Any]) -> bool:
    """Tell whether lists hold classes and the scores of these, the best first and in no order of the classes."""
    pairs = [(a, b) for a, b in zip(classes, scores, strict=False) if isinstance(a, list) and isinstance(b, list) and b]
    return (
        len(pairs) == len(classes)
        and nearly(len(a) == len(b) and _is_descending(b) and _are_items(a) for a, b in pairs)
        and len({str(a) for a, _ in pairs}) > 1
    )


def _are_items(held: Sequence[Any]) -> bool:
    return all(isinstance(one, str | int) and not isinstance(one, bool) for one in held) and len(set(held)) == len(held)


def _lists_of(values: Sequence[Any]) -> tuple[list[list[dict[str, Any]]], str]:
    """Return lists of objects, and the steps that lead to them: some stand as text, or alone in another list."""
    held, inside = [value for value in values if value not in (None, "", [])], ""
    if held and all(isinstance(value, str) and value.lstrip()[:1] == "[" for value in held):
        held, inside = [loaded(value) for value in held], "|json"
    if held and all(isinstance(value, list) and len(value) == 1 and isinstance(value[0], list) for value in held):
        held, inside = [value[0] for value in held], f"{inside}[0]"
    lists = [value for value in held if isinstance(value, list) and value]
    are_objects = bool(lists) and nearly(all(isinstance(one, dict) for one in value) for value in lists)
    if not are_objects or len(lists) < len(held):
        return [], ""
    return [value for value in lists if all(isinstance(one, dict) for one in value)], inside


def _key(items: Sequence[dict[str, Any]], names: Iterable[str]) -> str | None:
    known = {normal(str(key)): str(key) for key in items[0]}
    found = (known[name] for name in names if name in known)
    return next((key for key in found if nearly(key in one for one in items)), None)


def _is_descending(scores: Sequence[Any]) -> bool:
    numbers = [sample_number(one) for one in scores if is_number(one)]
    return len(numbers) == len(scores) and all(a >= b for a, b in pairwise(numbers))


def classes_of(values: Sequence[Any]) -> tuple[str, ...]:
    """Return the classes of objects that hold a share of each, which add up to one; nothing where they are none.

    Args:
        values: What stands in a field.
    """
    held = [value for value in values if isinstance(value, dict) and value]
    names = {tuple(sorted(map(str, value))) for value in held[:_LOOKED_AT]}
    if len(names) != 1 or "" in (classes := next(iter(names))) or not 1 < len(classes) <= MOST_CLASSES:
        return ()
    add_up = (are_shares(value) and abs(sum(value.values()) - 1) <= SLACK for value in held)
    return classes if nearly(add_up) else ()


def answers_of_each(items: Sequence[Any], path: str) -> dict[str, MapColumn]:
    """Return what objects in a list say that answers each of several examples; nothing where they are none.

    Args:
        items: Of all lists of a field.
        path: Where it stands.
    """
    if (listed := listed_scores(items, f"{path}[]")) is not None:
        return listed
    objects = [one for one in items if isinstance(one, dict)]
    if not objects or len(objects) < NEARLY * len(items):
        return {}
    if each := classes_of(objects):
        return {"scores": MapColumn(path=(f"{path}[]",), classes=each)}
    found: dict[str, MapColumn] = {}
    for column in ("label", "scores"):
        names = [str(key) for key in objects[0]]
        key = next((one for one in names if normal(one) in ALIASES[column]), None)
        key = key or next((one for one in names if LIKE[column].fullmatch(normal(one))), None)
        held = [one.get(key) for one in objects] if key is not None else []
        if key is None or not FITS[column](held):
            continue
        classes = sorted({str(name) for one in held if isinstance(one, dict) for name in one})
        name = "scores" if column == "label" and is_continuous(held) else column
        found.setdefault(name, MapColumn(path=(f"{path}[].{escaped(key)}",), classes=tuple(classes)))
    for key in objects[0] if "scores" not in found else ():
        held = [one.get(key) for one in objects]
        if all(isinstance(one, dict) for one in held) and nearly(map(are_shares, held)):
            classes = sorted({str(name) for one in held if isinstance(one, dict) for name in one})
            return {**found, "scores": MapColumn(path=(f"{path}[].{escaped(str(key))}",), classes=tuple(classes))}
        if nearly(isinstance(one, list) and are_shares(one) and abs(sum(one) - 1) <= SLACK for one in held):
            return {**found, "scores": MapColumn(path=(f"{path}[].{escaped(str(key))}",))}
        if listed := listed_scores([one.get(key) for one in objects], f"{path}[].{escaped(str(key))}"):
            return listed | found
    shares = [str(key) for key in objects[0] if _are_floats_in_one([one.get(key) for one in objects])]
    if "label" in found and "scores" not in found and len(shares) == 1:
        # The only share beside a class, whatever its name.
        found["scores"] = MapColumn(path=(f"{path}[].{escaped(shares[0])}",))
    return found


def plain_answers(items: Sequence[Any], path: str) -> dict[str, MapColumn]:
    """Return how answers are read that are no objects: amounts, classes, or the shares of all classes.

    Args:
        items: Of all lists of a field.
        path: Where it stands.
    """
    if items and (is_continuous(list(items)) or nearly(map(are_shares, items))):
        return {"scores": MapColumn(path=(f"{path}[]",))}
    are_names = bool(items) and all(isinstance(one, str) for one in items)
    return {"label": MapColumn(path=(f"{path}[]",))} if are_names and 1 < len(set(items)) <= MOST_CLASSES else {}


def _are_floats_in_one(values: Sequence[Any]) -> bool:
    return nearly(isinstance(one, float) and 0 <= one <= 1 for one in values)
