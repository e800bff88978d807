"""Messages of Seldon Core's first protocol: a table or a tensor under `data`, with the names of its columns.

Its form is that of the Seldon Core documentation, "Prediction APIs: external API", SeldonMessage.
"""

from math import prod
from typing import Any, Final

import numpy as np

Body = dict[str, Any]
ROWS: Final = "instances"
"""Under this key a request holds rows; a response has `predictions`."""


def is_seldon(body: Any) -> bool:
    """Tell whether a body is such a message."""
    held = body.get("data") if isinstance(body, dict) else None
    return isinstance(held, dict) and ("ndarray" in held or "tensor" in held)


def out_of_seldon(body: Body, rows_under: str) -> Body:
    """Return what a message holds as a body of MLflow or KServe v1.

    Args:
        body: The message.
        rows_under: `instances` for a request, `predictions` for a response.

    Raises:
        ValueError: If shape and values do not agree; and KeyError or TypeError if a part is missing or of a wrong type.
    """
    held = body["data"]
    rows = held["ndarray"] if "ndarray" in held else _rows(held["tensor"])
    names = held.get("names")
    if not isinstance(rows, list):
        raise ValueError("a message without rows")
    if rows_under == ROWS and names and all(isinstance(row, list) and len(row) == len(names) for row in rows):
        return {"dataframe_split": {"columns": names, "data": rows}}
    return {rows_under: rows}


def _rows(tensor: Body) -> Any:
    shape, values = tensor["shape"], tensor["values"]
    if not all(isinstance(size, int) and size > 0 for size in shape) or prod(shape) != len(values):
        raise ValueError("values that do not fit their shape")
    return np.asarray(values, object).reshape(shape).tolist()
