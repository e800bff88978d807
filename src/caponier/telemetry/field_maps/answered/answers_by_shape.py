"""What answers each of several examples where no name says so: a class and a share beside each other."""

from collections.abc import Sequence
from typing import Any

from caponier.records.field_map import MapColumn
from caponier.telemetry.field_maps.answered.class_scores import are_classes, is_of_best, told_by_shares
from caponier.telemetry.field_maps.paths import escaped
from caponier.telemetry.field_maps.value_kinds import are_shares, is_continuous, nearly


def answers_by_shape(items: Sequence[Any], path: str) -> dict[str, MapColumn]:
    """Return the class of objects that is always that of the highest score beside it, or has its share beside it.

    Args:
        items: Of all lists of a field.
        path: Where it stands.
    """
    objects = [one for one in items if isinstance(one, dict)]
    if not objects or len(objects) < len(items):
        return {}
    held = {str(key): [one.get(key) for one in objects] for key in objects[0] if key}
    classes = {key: values for key, values in held.items() if are_classes(values)}
    lists = {key: values for key, values in held.items() if nearly(map(_is_listed, values))}
    if len(lists) == 1:
        ((key, scores),) = lists.items()
        label = told_by_shares(classes.items(), scores)
        return _columns(path, label, key)
    pairs = [
        (label, key)
        for label, answers in classes.items()
        for key, shares in held.items()
        if key != label and is_continuous(shares) and is_of_best(answers, shares)
    ]
    return _columns(path, *pairs[0]) if len(pairs) == 1 else {}


def _is_listed(value: Any) -> bool:
    return isinstance(value, list) and are_shares(value)


def _columns(path: str, label: str | None, scores: str) -> dict[str, MapColumn]:
    told = {"label": label, "scores": scores}
    return {name: MapColumn(path=(f"{path}[].{escaped(key)}",)) for name, key in told.items() if key is not None}
