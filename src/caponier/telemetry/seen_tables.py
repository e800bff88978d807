"""What models take whose requests hold tables with texts in them, told from the requests themselves.

A log says only what was sent. Columns that hold text in most requests are categories; without that being known, another
day's log could not be read as the first one was.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from caponier.records.inventory import FeatureColumn, FeatureSpec

MOST_TABLES: Final = 64
"""Sets of columns of a model that are remembered: whoever names new ones with each query must not fill memory."""
MOST_MODELS: Final = 1_000
SHARE: Final = 2
"""A column is one of categories that holds text in at least one of so many requests: one caller decides nothing."""
USUAL: Final = 0.9
"""Share of the requests that have the same columns, in whatever order."""


@dataclass
class SeenTables:
    """Counts the tables of requests, model by model."""

    _counts: dict[str, Counter[tuple[str, ...]]] = field(default_factory=dict)
    """By their columns, sorted."""
    _texts: dict[str, Counter[tuple[tuple[str, ...], str]]] = field(default_factory=dict)

    def see(self, model: str, names: Sequence[str], texts: Sequence[str]) -> None:
        """Take note of a request.

        Args:
            model: That it asks.
            names: Of its columns; nothing is noted without any.
            texts: Those of them that hold text.
        """
        if not names or (model not in self._counts and len(self._counts) >= MOST_MODELS):
            return
        table = tuple(sorted(names))
        counts = self._counts.setdefault(model, Counter())
        if table not in counts and len(counts) >= MOST_TABLES:
            return
        counts[table] += 1
        self._texts.setdefault(model, Counter()).update((table, name) for name in texts)

    def absorb(self, other: "SeenTables") -> None:
        """Take in what was seen in another log."""
        for model, counts in other._counts.items():
            self._counts.setdefault(model, Counter()).update(counts)
            self._texts.setdefault(model, Counter()).update(other._texts.get(model, Counter()))

    def spec_of(self, model: str) -> FeatureSpec | None:
        """Return what a model takes; None where its requests hold no texts, or differ in their columns."""
        counts = self._counts.get(model)
        if not counts:
            return None
        table, count = counts.most_common(1)[0]
        texts = self._texts[model]
        places = tuple(place for place, name in enumerate(table) if texts[table, name] * SHARE >= count)
        if not places or count < USUAL * counts.total():
            return None
        columns = tuple(FeatureColumn(name=name) for name in table)
        return FeatureSpec(kind="categorical", shape=(len(table),), categories=places, columns=columns)
