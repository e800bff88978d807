"""Answers of model servers that say their classes in words: objects with a class and its score, and lines of CSV."""

from collections.abc import Sequence
from typing import Any, Final

from caponier.telemetry.field_maps.answered.class_lists import class_pairs
from caponier.telemetry.field_maps.answered.class_scores import CLASS_NAMES, shared_begin
from caponier.telemetry.field_maps.named_rows import table_of
from caponier.telemetry.field_maps.value_kinds import are_shares, is_number
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
    if "outputs" not in body and (table := table_of(body)) is not None:
        body = {"predictions": [dict(zip(table[0], row, strict=True)) for row in table[1]]}
    held = body.get("predictions")
    if not isinstance(held, list) or not held or not all(isinstance(one, dict) or class_pairs(one) for one in held):
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


def answers_within(body: Body, count: int) -> list[Any]:
    """Return what a body says to so many examples, whatever it calls the list; itself where it holds none.

    Args:
        body: An answer in no form of a protocol.
        count: Examples that were asked about.
    """
    if (table := table_of(body)) is not None and len(table[1]) == count:
        rows = [dict(zip(table[0], row, strict=True)) for row in table[1]]
        return [row if _told(row) != (None, None) else _shares_of(row) for row in rows]
    if _told(body) != (None, None):
        return [body]
    lists = [held for held in body.values() if isinstance(held, list) and len(held) == count]
    found = [held for held in lists if all(_told(one) != (None, None) for one in held)]
    return found[0] if len(found) == 1 else [body]


def _shares_of(row: Body) -> Body:
    """Return a row whose every column is called after a class, and holds its share, as shares by class."""
    shares = {name: as_number(cell) for name, cell in row.items() if is_number(cell)}
    if len(shares) < max(2, len(row)) or not are_shares(shares):
        return row
    begin = _begin(list(shares))
    return {"probabilities": {name[len(begin) :]: share for name, share in shares.items()}}


def _begin(names: Sequence[str]) -> str:
    begin = shared_begin([name.replace(".", "_") for name in names])
    return begin if all(len(name) > len(begin) for name in names) else ""


def _told(one: Any) -> tuple[Any, list[float] | None]:
    """Return the class that a prediction names, and its scores."""
    if (pairs := class_pairs(one)) is not None:
        return _best_of(pairs)
    if not isinstance(one, dict):
        return None, None
    names = {normal(str(key)): held for key, held in one.items()}
    scores = next((_numbers(names[name]) for name in _SCORES if name in names), None)
    classes = next((names[name] for name in CLASS_NAMES if isinstance(names.get(name), list)), None)
    label = next((names[name] for name in _LABELS if name in names and not isinstance(names[name], list | dict)), None)
    if label is None and classes and scores and len(classes) == len(scores):
        # Vertex AI and TensorFlow write the classes beside their scores.
        label = classes[scores.index(max(scores))]
    shares = next((names[name] for name in _SCORES if isinstance(names.get(name), dict)), None)
    if label is None and scores and shares is not None and len(shares) > 1:
        label = max(shares, key=shares.__getitem__)
    if scores is None and len(listed := [pairs for held in names.values() if (pairs := class_pairs(held))]) == 1:
        best, scores = _best_of(listed[0])
        label = best if label is None else label
    return label, scores


def _best_of(pairs: dict[str, float]) -> tuple[str, list[float]]:
    """Return the best of some classes, and their scores: of more than two nobody can tell here whether they are all."""
    best = max(pairs, key=pairs.__getitem__)
    return best, [pairs[name] for name in sorted(pairs)] if len(pairs) == 2 else [pairs[best]]


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
