"""Formulas that statsmodels evaluates while a pickle is loaded: the terms of a model, which may be any Python."""

import re
from typing import Any, Final

from caponier.detect.model_files.pickles.values import Box, Made

REASON: Final = "statsmodels evaluates the formula that a model holds while it is loaded"
_RESTORES: Final = frozenset({"restore_design_info", "restore_model_spec"})
"""By one of these a state has its formula evaluated; the older name is that of the versions before 0.15."""
_NAMES: Final = re.compile(r"[\w\s~+*:-]{1,10000}")
"""Names of columns, and signs between them: nothing is called, and nothing taken of anything."""
_FRAME: Final = "DataFrame"


def evaluates(state: Any) -> bool:
    """Return whether a state has more looked up, while it is set, than columns of a table by their names."""
    if not isinstance(state, Box) or state.kind != "dict":
        return True
    pairs = list(zip(state.items[::2], state.items[1::2], strict=False))
    if not all(isinstance(key, str) for key, _ in pairs):
        return True
    if not any(key in _RESTORES for key, _ in pairs):
        return False
    formulas = [value for key, value in pairs if key == "formula"]
    frames = [value for key, value in pairs if key == "frame"]
    plain = all(isinstance(one, str) and _NAMES.fullmatch(one) for one in formulas)
    return not (formulas and frames and plain and all(map(_is_frame, frames)))


def _is_frame(value: Any) -> bool:
    return isinstance(value, Made) and value.origin.name == _FRAME and value.origin.module.partition(".")[0] == "pandas"
