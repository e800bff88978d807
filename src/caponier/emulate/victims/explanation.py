"""Explanations on demand, in KServe's version 1: how far the answer's score falls where a value is taken away.

That is occlusion (Zeiler and Fergus 2014), value by value: it asks the model and needs no gradient, so that every kind
of model can be explained by it.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.images import Images
from caponier.emulate.victims.open_inference import MalformedError, demand, finite_rows

METHODS: Final = ("occlusion",)
MOST_ROWS: Final = 16
"""An explanation costs as many predictions as a row has values."""


@dataclass(frozen=True, eq=False)
class Question:
    """Rows (n, features) whose answers are to be explained."""

    rows: Images


def parse(body: bytes, features: int) -> Question:
    """Read the body of a request for explanations.

    Raises:
        MalformedError: If it is none, or asks for more than the server does.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        raise MalformedError(f"the body is not JSON: {broken}") from broken
    demand(isinstance(document, dict), "the body must be a JSON object")
    parameters = document.get("parameters", {})
    demand(isinstance(parameters, dict), "parameters must be a JSON object")
    demand(parameters.get("method", METHODS[0]) in METHODS, f"method must be {' or '.join(METHODS)}")
    instances = document.get("instances")
    demand(isinstance(instances, list) and 0 < len(instances) <= MOST_ROWS, f"instances must be 1 to {MOST_ROWS} rows")
    return Question(finite_rows(instances, (len(instances), features)))


def occlusion(predict: Predict, rows: Images, scores: Images) -> Images:
    """Return, for each value of rows (n, d) with scores (n, c), how far the answer's score falls without it, (n, d)."""
    n, features = rows.shape
    without = np.repeat(rows[:, None], features, axis=1)
    without[:, np.arange(features), np.arange(features)] = 0
    left = predict(without.reshape(-1, features)).reshape(n, features, -1)
    best = scores.argmax(axis=1)
    fallen: Images = scores[np.arange(n), best, None] - left[np.arange(n), :, best]
    return fallen


def answer(scores: Images, attributions: Images) -> bytes:
    """Write the response: the scores (n, c) that are explained, and the attributions (n, d)."""
    document: dict[str, Any] = {"predictions": np.ascontiguousarray(scores)}
    document["explanations"] = [
        {"method": METHODS[0], "attributions": row} for row in np.ascontiguousarray(attributions)
    ]
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
