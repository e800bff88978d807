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
