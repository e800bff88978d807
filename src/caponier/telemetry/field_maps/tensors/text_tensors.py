"""Tensors of text in the bodies of the Open Inference Protocol: of what was asked, and of what was answered."""

from collections.abc import Sequence
from typing import Any

from caponier.telemetry.field_maps.value_kinds import nearly


def are_tensors(items: Sequence[Any]) -> bool:
    """Tell whether objects are tensors: their names, types and shapes are no features of a model."""
    return bool(items) and nearly(isinstance(one, dict) and {"datatype", "shape", "data"} <= set(one) for one in items)


def text_in_tensors(values: Sequence[Any], path: str) -> str | None:
    """Return where the text stands that lists of tensors hold in their first one; None if they hold none.

    Args:
        values: What stands at the path.
        path: The field.
    """
    lists = [value for value in values if isinstance(value, list) and value]
    if not lists or len(lists) < len(values) or not are_tensors([value[0] for value in lists]):
        return None
    held = [value[0]["data"] for value in lists if isinstance(value[0], dict) and "data" in value[0]]
    for inside, several in (("[0]", "[]"), ("[0][0]", "[][0]")):
        if nearly(_are_texts(data, len(inside) > len("[0]")) for data in held):
            return f"{path}[0].data{inside if all(len(data) == 1 for data in held) else several}"
    return None


def _are_texts(data: Any, is_nested: bool) -> bool:
    if not isinstance(data, list) or not data:
        return False
    if is_nested:
        return all(isinstance(one, list) and len(one) == 1 and isinstance(one[0], str) for one in data)
    return all(isinstance(one, str) for one in data)
