"""In which names and order of columns models are asked.

Some servers take the tensors of a request by name and others in the order in which they stand. Where nobody has said
what a model's columns are called, whoever names or orders them anew with each query shows the guard other rows than
the model. So only the few layouts count that many of a model's queries have, or of one caller's: whoever asks in
another way than everybody else, but always in that, is read as well, however much others ask. To read each in one fixed
order is enough then: a column that is always at the same wrong place hides nothing.
"""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

SHARE: Final = 4
"""A layout counts that has at least one query in so many of the usual one's."""
ENOUGH: Final = 8
"""Queries with a layout, before it counts beside others."""
MOST_LAYOUTS: Final = 64
"""Of a model or a caller, that are remembered; beyond them the rarer half is forgotten."""
MOST_MODELS: Final = 1_000
MOST_CALLERS: Final = 10_000
"""Of all models, that are remembered."""
MEMORY: Final = 10_000
"""Queries with one layout after which older ones of all count half."""
STRANGE: Final = "columns with names or an order that few other queries to the model have"


Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class _Layouts:
    """How often each layout was seen."""

    seen: int = 0
    counts: Counter[int] = field(default_factory=Counter)

    def has(self, layout: int, more: int = 0) -> bool:
        """Tell whether enough have a layout, of which so many more come."""
        count = self.counts[layout] + more
        # As a list: it may be changed meanwhile.
        most = max(count, *list(self.counts.values()), 0)
        return count * SHARE >= max(most, min(self.seen + more, ENOUGH * SHARE))

    def add(self, layout: int) -> None:
        self.seen += 1
        self.counts[layout] += 1
        if self.counts[layout] > MEMORY:
            self.counts = Counter({one: times // 2 for one, times in self.counts.items() if times > 1})
        elif len(self.counts) > MOST_LAYOUTS:
            self.counts = Counter(dict(self.counts.most_common(MOST_LAYOUTS // 2)))


class ColumnLayouts:
    """Counts the layouts of the queries to each model, and of each caller."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, _Layouts] = OrderedDict()
        self._callers: OrderedDict[tuple[str, str], _Layouts] = OrderedDict()

    def is_usual(self, model: str, names: Sequence[str], caller: str | None = None) -> bool:
        """Count a query, and tell whether enough others have its layout.

        Args:
            model: That it asks.
            names: Of its columns, as they stand there; none if they have none.
            caller: Who asks, by a name that is not another one with each query; None if that is not known.
        """
        if not names:
            return True
        layout = hash(tuple(names))
        found = False
        for counted in self._counted(model, caller):
            counted.add(layout)
            found |= counted.has(layout)
        return found

    def would_be_usual(self, model: str, names: Sequence[str], caller: str | None = None) -> bool:
        """Tell what `is_usual` would of a query that is not counted yet; from any thread, arguments as there."""
        layout = hash(tuple(names))
        own = None if caller is None else self._callers.get((model, caller), _Layouts())
        known = (self._models.get(model, _Layouts()), own)
        return not names or any(one is not None and one.has(layout, 1) for one in known)

    def _counted(self, model: str, caller: str | None) -> Iterator[_Layouts]:
        yield _kept(self._models, model, MOST_MODELS)
        if caller is not None:
            yield _kept(self._callers, (model, caller), MOST_CALLERS)


def _kept(known: OrderedDict[Key, _Layouts], key: Key, most: int) -> _Layouts:
    """Return what is counted of somebody, and forget whom nobody has heard of for the longest time."""
    found = known.setdefault(key, _Layouts())
    known.move_to_end(key)
    if len(known) > most:
        known.popitem(last=False)
    return found
