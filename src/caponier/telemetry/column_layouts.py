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

from caponier.records.inventory import FeatureColumn, FeatureSpec

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
MOST_TABLES: Final = 64
"""Sets of columns of a model that are remembered: whoever names new ones with each query must not fill memory."""
TEXT_SHARE: Final = 2
"""A column is one of categories that holds text in at least one of so many requests: one caller decides nothing."""
USUAL: Final = 0.9
"""Share of the requests that have the same columns, in whatever order."""

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
