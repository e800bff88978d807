"""Parameters of a request, behind the `?` of its target: whether rows may stand there beside those of the body.

TorchServe hands them to the handler of a model together with the body, and most handlers take what is called `data`
before that. Which of them another server reads nobody here knows.
"""

import re
from typing import Final
from urllib.parse import unquote_plus

from caponier.telemetry.body_keys import CARRIERS, HOLDING, LONGEST_ASIDE, folded

MOST: Final = 16
"""Parameters of a request; more of them may be a row, with a name for each of its values."""
LONGEST: Final = 2_048
"""Bytes of all."""
_BETWEEN: Final = re.compile(r"[&;]")
_HOLDING: Final = frozenset((*HOLDING, *CARRIERS, "model_name"))
"""Names under which rows may stand, however short they are, or another model be named than in the path."""


def have_room(parameters: bytes) -> bool:
    """Tell whether a row may stand in parameters: under a name that holds some, in something long, or as a list.

    Args:
        parameters: As they came, encoded.
    """
    if not parameters:
        return False
    # Looking through tens of thousands would keep every other caller waiting.
    pairs = _BETWEEN.split(parameters[: LONGEST + 1].decode("latin-1"), MOST)
    if len(parameters) > LONGEST or len(pairs) > MOST:
        return True
    names: set[str] = set()
    for pair in pairs:
        name, _, value = (unquote_plus(part) for part in pair.partition("="))
        # In some languages `data[]` is one more of what `data` holds.
        held = folded(name.partition("[")[0]) in _HOLDING
        if held or name in names or max(len(name), len(value)) > LONGEST_ASIDE:
            return True
        if name:
            names.add(name)
    return False
