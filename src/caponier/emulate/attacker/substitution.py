"""Evasion where inputs are no numbers: one word or category after the other is replaced if that lowers the score.

The greedy search of published attacks on texts (Li, Ji, Du, Li, Wang 2019; Jin, Jin, Zhou, Szolovits 2020), with
nothing but the scores of a model that is asked: no gradients, no copy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from caponier.emulate.images import Images

Ask: TypeAlias = Callable[[list[Any]], Images]
"""From a row of words or categories to the model's scores (c,)."""


@dataclass(frozen=True)
class Substituted:
    """What came of one search.

    Args:
        row: As it was last kept.
        changed: Places that differ from the original.
        queries: Rows that were asked.
        success: Whether the model gets it wrong, with no more changes than were allowed.
    """

    row: list[Any]
    changed: int
    queries: int
    success: bool


def substitute(
    ask: Ask,
    original: Sequence[Any],
    choices: Callable[[int], Sequence[Any]],
    label: int,
    *,
    rng: np.random.Generator,
    budget: int,
    most: int,
) -> Substituted:
    """Search for a row that the model gets wrong.

    Args:
        ask: Asks the model; once a query.
        original: Row of d words or categories that the model gets right.
        choices: What may stand at a place.
        label: The right answer.
        rng: Fixes the order of places.
        budget: Most queries.
        most: Most places that may be changed.
    """
    row = list(original)
    least, queries = float(ask(row)[label]), 1
    for place in rng.permutation(len(row)):
        for choice in choices(int(place)):
            if queries >= budget or _changed(row, original) >= most:
                return Substituted(row, _changed(row, original), queries, success=False)
            if choice == row[place]:
                continue
            tried = [*row[:place], choice, *row[place + 1 :]]
            scores, queries = ask(tried), queries + 1
            if float(scores[label]) < least:
                row, least = tried, float(scores[label])
            if int(scores.argmax()) != label:
                return Substituted(tried, _changed(tried, original), queries, success=True)
    return Substituted(row, _changed(row, original), queries, success=False)


def _changed(row: Sequence[Any], original: Sequence[Any]) -> int:
    return sum(first != second for first, second in zip(row, original, strict=True))
