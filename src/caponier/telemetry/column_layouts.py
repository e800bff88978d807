"""In which names and order of columns models are asked.

Some servers take the tensors of a request by name and others in the order in which they stand. Where nobody has said
what a model's columns are called, whoever names or orders them anew with each query shows the guard other rows than
the model. So only the few layouts count that many of a model's queries have, or of one caller's: whoever asks in
another way than everybody else, but always in that, is read as well, however much others ask. To read each in one fixed
order is enough then: a column that is always at the same wrong place hides nothing.

A client that was changed is no attack. Whoever asks in nothing but one other layout for a day goes on in that, and no
longer in the old one: who searches so has another view of his rows once a day, and another account gives more.
"""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, TypeVar

from caponier.records.inventory import FeatureColumn, FeatureSpec

SHARE: Final = 4
"""A layout counts that has at least one query, or one caller, in so many of the usual one's."""
ENOUGH: Final = 8
"""Queries, or callers, with a layout, before it counts beside others."""
MOST_LAYOUTS: Final = 64
"""Of a model or a caller, that are remembered; beyond them the rarer half is forgotten."""
MOST_MODELS: Final = 1_000
MOST_CALLERS: Final = 10_000
"""Of all models, that are remembered."""
MEMORY: Final = 10_000
"""Queries with one layout after which older ones of all count half."""
MOVED_S: Final = 86_400.0
"""For so long somebody has to ask in one other layout alone before he goes on in it."""
STRANGE: Final = (
    "columns with other names or in another order than in the caller's other queries, or in most to the model"
)
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
    other: tuple[int, float] | None = None
    """A layout that does not count, in which alone somebody has asked, and since when."""

    def has(self, layout: int, more: int = 0) -> bool:
        """Tell whether enough have a layout, of which so many more come."""
        count = self.counts[layout] + more
        most = max(count, *self.counts.values(), 0)
        return count * SHARE >= max(most, min(self.seen + more, ENOUGH * SHARE))

    def leads(self, layout: int, more: int = 0) -> bool:
        """Tell whether more queries have a layout, of which so many more come, than all others together."""
        return 2 * (self.counts[layout] + more) > self.counts.total() + more

    def is_of_many(self, layout: int) -> bool:
        """Tell the same as `has` of callers, each of whom is counted once."""
        return self.counts[layout] >= ENOUGH and self.has(layout)

    def moves(self, layout: int, at: float | None) -> bool:
        """Tell whether a layout that does not count does so from now on, and those before it no longer."""
        if at is None:
            return False
        if self.other is None or self.other[0] != layout:
            self.other = (layout, at)
        if at - self.other[1] < MOVED_S:
            return False
        self.counts, self.other = Counter(), None
        return True

    def add(self, layout: int) -> None:
        self.seen += 1
        self.counts[layout] += 1
        if self.counts[layout] > MEMORY:
            self.counts = Counter({one: times // 2 for one, times in self.counts.items() if times > 1})
        elif len(self.counts) > MOST_LAYOUTS:
            self.counts = Counter(dict(self.counts.most_common(MOST_LAYOUTS // 2)))


class ColumnLayouts:
    """Counts the layouts of the queries to each model, and of each caller; from any thread."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, _Layouts] = OrderedDict()
        self._first: OrderedDict[str, _Layouts] = OrderedDict()
        """By model: with which layout callers begin. What one of them asks later makes nothing usual for others."""
        self._callers: OrderedDict[tuple[str, str], _Layouts] = OrderedDict()
        self._lock = Lock()

    def is_usual(self, model: str, names: Sequence[str], caller: str | None = None, at: float | None = None) -> bool:
        """Count a query, and tell whether it has a layout that counts.

        Args:
            model: That it asks.
            names: Of its columns, as they stand there; none if they have none.
            caller: Who asks, by a name that is not another one with each query; None if that is not known: then the
                model's other queries tell.
            at: When, in seconds; None if that is not known: then nobody goes on in another layout.
        """
        if caller is None and not names:
            return True
        layout = hash(tuple(names))
        with self._lock:
            if not self._told(model, layout, caller):
                self._moves(model, layout, caller, at)
            return self._counted(model, layout, caller)

    def would_be_usual(self, model: str, names: Sequence[str], caller: str | None = None) -> bool:
        """Tell what `is_usual` would of a query that is not counted yet; arguments as there."""
        if caller is None and not names:
            return True
        with self._lock:
            return self._told(model, hash(tuple(names)), caller)

    def admits(self, model: str, names: Sequence[str], caller: str | None = None, at: float | None = None) -> bool:
        """Do what `is_usual` does, but count nothing that may not pass; arguments as there.

        Who is refused would otherwise only have to ask on until his layout is the one that he asks in most. Of many
        queries at once each is counted before the next is looked at.
        """
        if caller is None and not names:
            return True
        layout = hash(tuple(names))
        with self._lock:
            passes = self._told(model, layout, caller) or self._moves(model, layout, caller, at)
            return passes and self._counted(model, layout, caller)

    def _moves(self, model: str, layout: int, caller: str | None, at: float | None) -> bool:
        own = None if caller is None else self._callers.get((model, caller))
        return own is not None and own.moves(layout, at)

    def _counted(self, model: str, layout: int, caller: str | None) -> bool:
        all_ = _kept(self._models, model, MOST_MODELS)
        all_.add(layout)
        if caller is None:
            return all_.has(layout)
        own, first = _kept(self._callers, (model, caller), MOST_CALLERS), _kept(self._first, model, MOST_MODELS)
        if not own.seen:
            first.add(layout)
        own.add(layout)
        counts = _counts(layout, own, first)
        own.other = None if counts else own.other
        return counts

    def _told(self, model: str, layout: int, caller: str | None) -> bool:
        none = _Layouts()
        if caller is None:
            return self._models.get(model, none).has(layout, 1)
        return _counts(layout, self._callers.get((model, caller), none), self._first.get(model, none), 1)


def _counts(layout: int, own: _Layouts, first: _Layouts, more: int = 0) -> bool:
    """Tell whether a layout of a caller counts, who asks so many times more in it."""
    if own.leads(layout, more):
        return True
    # Beside a way of his own it would be a second view of the same rows.
    usual, _ = own.counts.most_common(1)[0]
    return first.is_of_many(layout) and first.is_of_many(usual)


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
