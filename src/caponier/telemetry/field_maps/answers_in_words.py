"""Answers of model servers that say their classes in words: objects with a class and its score, and lines of CSV."""

from collections.abc import Sequence
from typing import Any, Final

from caponier.telemetry.field_maps.class_scores import CLASS_NAMES
from caponier.telemetry.field_maps.value_kinds import is_number
from caponier.telemetry.framing.amounts import as_number
from caponier.telemetry.readers.field_names import ALIASES, normal

Body = dict[str, Any]
_LABELS: Final = (*(one for one in ALIASES["label"] if one != "outputs"), "displaynames")
_SCORES: Final = ALIASES["scores"]
MOST_CELLS: Final = 1_000


def out_of_objects(body: Body) -> Body:
    """Return an answer whose predictions are objects as tensors; any other as it is.

    Args:
        body: The answer.

    Raises:
        ValueError: If its predictions do not say the same things each.
    """
    held = body.get("predictions")
    if not isinstance(held, list) or not held or not all(isinstance(one, dict) for one in held):
        return body
    told = [_told(one) for one in held]
    labels, scores = [label for label, _ in told], [numbers for _, numbers in told]
    outputs: list[Body] = []
    if None not in labels:
        outputs.append(
            {"name": "label", "shape": [len(held)], "datatype": "BYTES", "data": [str(one) for one in labels]}
        )
    if all(numbers and len(numbers) == len(scores[0] or ()) for numbers in scores):
        width = len(scores[0] or ())
        outputs.append({"name": "scores", "shape": [len(held), width], "datatype": "FP64", "data": scores})
    if not outputs:
        raise ValueError("predictions that name neither a class nor a score")
    return {**{key: one for key, one in body.items() if key != "predictions"}, "outputs": outputs}


def _told(one: Body) -> tuple[Any, list[float] | None]:
    """Return the class that a prediction names, and its scores."""
    names = {normal(str(key)): held for key, held in one.items()}
    scores = next((_numbers(names[name]) for name in _SCORES if name in names), None)
    classes = next((names[name] for name in CLASS_NAMES if isinstance(names.get(name), list)), None)
    label = next((names[name] for name in _LABELS if name in names and not isinstance(names[name], list | dict)), None)
    if label is None and classes and scores and len(classes) == len(scores):
        # Vertex AI and TensorFlow write the classes beside their scores.
        label = classes[scores.index(max(scores))]
    return label, scores


def _numbers(held: Any) -> list[float] | None:
    values = list(held.values()) if isinstance(held, dict) else held if isinstance(held, list) else [held]
    if not values or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in values):
        return None
    return [float(one) for one in values]


def answers_of_lines(lines: Sequence[str]) -> list[Body] | None:
    """Return lines of a class and its scores, as a container of SageMaker answers in CSV; None where they are no such.

    Args:
        lines: The lines of an answer.
    """
    rows = [[cell.strip() for cell in line.split(",", MOST_CELLS)] for line in lines]
    if not rows or not all(
        len(row) > 1 and row[0] and not is_number(row[0]) and all(map(is_number, row[1:])) for row in rows
    ):
        return None
    return [{"label": label.strip('"'), "scores": list(map(as_number, numbers))} for label, *numbers in rows]
