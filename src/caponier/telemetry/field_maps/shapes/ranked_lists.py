"""Answers in two lists: what was ranked, and the score of each, the best first, as recommenders and searches answer."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from caponier.telemetry.field_maps.places import Nodes, Place
from caponier.telemetry.field_maps.value_kinds import ROWS_TO_TELL, is_number, nearly
from caponier.telemetry.readers.field_names import normal

_LEAST: Final = 2
"""Things of which one is better than the other."""
_DIFFERENT: Final = 5
"""Different answers at the top, below which the first list may as well name the classes in a fixed order."""
_OF_SCORES: Final = re.compile(r"scor|prob|confid|similar|relevan|rank")
"""Words of which one has to be in the name of the scores: moments and prices are sorted, too."""


def ranked_lists(nodes: Nodes, may_be: Sequence[Place]) -> tuple[Place, Place] | None:
    """Return where the ranked things stand and where their scores do; None where no two lists are such, or several.

    Args:
        nodes: A sample.
        may_be: The fields that are looked at.
    """
    lists = [place for place in may_be if _are_lists(nodes[place])]
    scores = [place for place in lists if _OF_SCORES.search(normal(place[-1])) and nearly(map(_falls, nodes[place]))]
    found = [
        (things, place)
        for place in scores
        for things in lists
        if things[:-1] == place[:-1] and things != place and _are_ranked(nodes[things], nodes[place])
    ]
    return found[0] if len(found) == 1 else None


def _are_lists(values: Sequence[Any]) -> bool:
    return len(values) >= ROWS_TO_TELL and all(isinstance(one, list) for one in values)


def _falls(scores: list[Any]) -> bool:
    """Tell whether numbers never rise."""
    are_numbers = all(is_number(one) and not isinstance(one, bool | str) for one in scores)
    return are_numbers and len(scores) >= _LEAST and all(one >= after for one, after in pairwise(scores))


def _are_ranked(things: Sequence[Any], scores: Sequence[Any]) -> bool:
    """Tell whether lists hold different names or ids each, as many as there are scores, and others in other rows."""
    if len(things) != len(scores):
        return False
    pairs = [(one, other) for one, other in zip(things, scores, strict=True) if one or other]
    fit = nearly(len(one) == len(other) and _are_ids(one) for one, other in pairs)
    known = {str(thing) for one, _ in pairs for thing in one}
    # Where the same few stand in each row, they are the classes, and each has its score.
    is_choice = len(known) > 2 * max((len(one) for one, _ in pairs), default=0)
    return fit and is_choice and len({str(one[0]) for one, _ in pairs if one}) >= _DIFFERENT


def _are_ids(held: list[Any]) -> bool:
    plain = all(isinstance(one, str | int) and not isinstance(one, bool) for one in held)
    return plain and len(set(map(str, held))) == len(held)
