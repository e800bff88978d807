"""In which names and order of columns models are asked.

Some servers take the tensors of a request by name and others in the order in which they stand. Where nobody has said
what a model's columns are called, whoever names or orders them anew with each query shows the guard other rows than
the model. So only the few layouts count that many of a model's queries have. To read each in one fixed order is enough
then: a column that is always at the same wrong place hides nothing.
"""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from caponier.records.inventory import FeatureColumn, FeatureSpec

SHARE: Final = 4
"""A layout counts that has at least one query in so many of the usual one's."""
ENOUGH: Final = 8
"""Queries with a layout, before it counts beside others."""
MOST_LAYOUTS: Final = 64
"""Of a model, that are remembered; beyond them the rarer half is forgotten."""
MOST_MODELS: Final = 1_000
MEMORY: Final = 10_000
"""Queries with one layout after which older ones of all count half."""
STRANGE: Final = "columns with names or an order that few other queries to the model have"


MOST_TABLES: Final = 64
"""Sets of columns of a model that are remembered: whoever names new ones with each query must not fill memory."""
TEXT_SHARE: Final = 2
"""A column is one of categories that holds text in at least one of so many requests: one caller decides nothing."""
USUAL: Final = 0.9
"""Share of the requests that have the same columns, in whatever order."""


@dataclass(slots=True)
class _Model:
    seen: int = 0
    counts: Counter[int] = field(default_factory=Counter)


class ColumnLayouts:
    """Counts the layouts of the queries to each model."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, _Model] = OrderedDict()

    def is_usual(self, model: str, names: Sequence[str]) -> bool:
        """Count a query, and tell whether enough others have its layout.

        Args:
            model: That it asks.
            names: Of its columns, as they stand there; none if they have none.
        """
        if not names:
            return True
        known = self._models.setdefault(model, _Model())
        self._models.move_to_end(model)
        if len(self._models) > MOST_MODELS:
            self._models.popitem(last=False)
        layout = hash(tuple(names))
        known.seen += 1
        known.counts[layout] += 1
        count, most = known.counts[layout], max(known.counts.values())
        if most > MEMORY:
            known.counts = Counter({one: times // 2 for one, times in known.counts.items() if times > 1})
        elif len(known.counts) > MOST_LAYOUTS:
            known.counts = Counter(dict(known.counts.most_common(MOST_LAYOUTS // 2)))
        return count * SHARE >= max(most, min(known.seen, ENOUGH * SHARE))


@dataclass
class SeenTables:
    """Counts the tables of requests, model by model, and tells which of their columns are categories.

    A log says only what was sent. Without it being known which columns hold text, another day's log could not be read
    as the first one was.
    """

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
        places = tuple(place for place, name in enumerate(table) if texts[table, name] * TEXT_SHARE >= count)
        if not places or count < USUAL * counts.total():
            return None
        columns = tuple(FeatureColumn(name=name) for name in table)
        return FeatureSpec(kind="categorical", shape=(len(table),), categories=places, columns=columns)
