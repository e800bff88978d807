"""Where functions travel, and how large a value becomes that holds the same value again and again.

An allowed function is allowed to be called, with arguments that are looked at. It may lie in no list, dictionary or
state: whatever holds it may be filled or changed after it was judged, and some object may call what is in there, with
arguments of its own. So it is refused where it is put down, and not only where it is handed over.
"""

from typing import Any, Final

from caponier.detect.model_files.pickles.ledger import Ledger
from caponier.detect.model_files.pickles.rules import Rules
from caponier.detect.model_files.pickles.values import Global

_HEAVY: Final = 1 << 10
_HEAVIEST: Final = 1 << 27
"""Values in a tuple that holds itself doubled again and again: to hash it takes a second for a hundred million."""


class Holdings:
    """What the tuples of one pickle hold; tuples never change, so each is looked at once."""

    def __init__(self, rules: Rules, ledger: Ledger) -> None:
        self.rules, self.ledger = rules, ledger
        self._carriers: dict[int, tuple[tuple[Any, ...], Global]] = {}
        self._weights: dict[int, tuple[tuple[Any, ...], int]] = {}

    def tuple(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Take note of a new tuple, and return it."""
        weight = 1
        for value in values:
            kind = value.__class__
            if kind is Global and value in self.rules.functions:
                self._carriers[id(values)] = values, value
            elif kind is tuple:
                held = self._weights.get(id(value))
                weight += held[1] if held else len(value)
                if (inner := self._carriers.get(id(value))) is not None:
                    self._carriers[id(values)] = values, inner[1]
        if weight > _HEAVY:
            self._weights[id(values)] = values, weight
            if weight > _HEAVIEST:
                self.ledger.doubt("holds tuples in each other that are larger than any memory")
        return values

    def function(self, value: Any) -> Global | None:
        """Return the allowed function that a value is, or that a tuple holds at any depth."""
        kind = value.__class__
        if kind is Global:
            return value if value in self.rules.functions else None
        if kind is tuple and (carrier := self._carriers.get(id(value))) is not None:
            return carrier[1]
        return None
