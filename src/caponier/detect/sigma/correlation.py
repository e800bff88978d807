"""Sigma correlations, evaluated moment by moment: all events of one time at once, so that ties have no order."""

import operator
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from caponier.detect.assets.scope import systems_of
from caponier.detect.log import LogHit
from caponier.detect.sigma.windows import Arrival, EventCount, InOrder, Together, ValueCount, Window
from caponier.telemetry.security_logs.fields import Fields, Scalar

MOST_GROUPS: Final = 50_000
MOST_HELD: Final = 200_000
"""Events and values that one correlation remembers over all groups; the group that was idle longest goes first."""


class CorrelationType(StrEnum):
    """The correlation types that are evaluated."""

    EVENT_COUNT = "event_count"
    VALUE_COUNT = "value_count"
    TEMPORAL = "temporal"
    TEMPORAL_ORDERED = "temporal_ordered"


OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
}


@dataclass(frozen=True)
class Correlation:
    """One correlation, compiled."""

    name: str
    kind: CorrelationType
    rules: tuple[str, ...]
    """Names of the rules that take its places, in order."""
    groups: tuple[tuple[str, ...], ...]
    """For each place the fields that group its events."""
    counted: tuple[str | None, ...]
    """For each place the field whose values are counted."""
    span: int
    """Microseconds."""
    op: str
    threshold: float
    group_by: tuple[str, ...]
    """The names of the groups' fields, as the rule has them."""

    def window(self) -> Window:
        """Return an empty window."""
        if self.kind is CorrelationType.EVENT_COUNT:
            return EventCount()
        if self.kind is CorrelationType.VALUE_COUNT:
            return ValueCount()
        return Together(len(self.rules)) if self.kind is CorrelationType.TEMPORAL else InOrder(len(self.rules))


class CorrelationPiece(NamedTuple):
    """A matched event, or a match of another correlation, with the fields that correlations need of it."""

    rule: str
    id: str
    fields: Fields
    hits: tuple[LogHit, ...]
    systems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A moment at which a correlation's condition holds for a group."""

    fields: Fields
    """The group, by the names that the rule gives it."""
    hits: tuple[LogHit, ...]
    trigger: LogHit
    systems: tuple[str, ...]
    value: int


_Key = tuple[Scalar, ...]
_Scoped = tuple[str | None, _Key]
"""ML system, or None for all events, and group."""


@dataclass
class Correlator:
    """Runs one correlation.

    The counting types are measured over all events *and* over those that touch each ML system: a bulk read in which
    one file of fifty belongs to an ML system is no bulk read of that system. In the other types one event is enough.
    """

    rule: Correlation
    dropped: int = 0
    """Windows that were forgotten because there were too many."""
    _windows: OrderedDict[_Scoped, Window] = field(default_factory=OrderedDict)
    _held: int = 0
    _places: dict[str, list[tuple[int, tuple[str, ...], str | None]]] = field(init=False)
    """For each rule the places that it takes, with the fields that group and the one that is counted."""

    def __post_init__(self) -> None:
        rule, self._places = self.rule, {}
        self._scoped = rule.kind in (CorrelationType.EVENT_COUNT, CorrelationType.VALUE_COUNT)
        self._holds = OPERATORS[rule.op]
        for slot, place in enumerate(zip(rule.rules, rule.groups, rule.counted, strict=True)):
            self._places.setdefault(place[0], []).append((slot, *place[1:]))

    def moment(self, time: int, pieces: Iterable[CorrelationPiece]) -> list[Occurrence]:
        """Take what happened at one moment, later than all before; return for which groups the condition holds.

        Args:
            time: Microseconds since the epoch.
            pieces: Matches of any rules.
        """
        arrivals = self._arrivals(pieces)
        if not arrivals:
            return []
        holds, threshold, oldest = self._holds, self.rule.threshold, time - self.rule.span
        fired: dict[_Key, list[tuple[str | None, Window, int]]] = {}
        for scope, arrived in arrivals.items():
            window = self._windows.get(scope)
            if window is None:
                window = self._windows[scope] = self.rule.window()
            self._windows.move_to_end(scope)
            before = window.size
            window.add(time, arrived)
            value = window.value(oldest)
            self._held += window.size - before
            if holds(value, threshold):
                fired.setdefault(scope[1], []).append((scope[0], window, value))
        found = [self._occurrence(key, scopes, arrivals) for key, scopes in sorted(fired.items(), key=_by_key)]
        self._forget(oldest)
        return found

    def _arrivals(self, pieces: Iterable[CorrelationPiece]) -> dict[_Scoped, list[Arrival]]:
        found: dict[_Scoped, list[Arrival]] = {}
        for piece in pieces:
            for slot, groups, counted in self._places.get(piece.rule, ()):
                key = _key(piece.fields, groups)
                if key is None:
                    continue
                value = _folded(piece.fields[counted]) if counted and counted in piece.fields else None
                arrival = Arrival(piece.id, slot, value, piece.hits)
                for system in (None, *piece.systems) if self._scoped else (None,):
                    found.setdefault((system, key), []).append(arrival)
        return found

    def _occurrence(
        self,
        key: _Key,
        scopes: Sequence[tuple[str | None, Window, int]],
        arrivals: Mapping[_Scoped, Sequence[Arrival]],
    ) -> Occurrence:
        # Where the condition holds for an ML system by itself, that is what is told.
        inside = [scope for scope in scopes if scope[0] is not None]
        system, window, value = (inside or scopes)[0]
        hits = window.evidence()
        if self._scoped:
            systems = tuple(name for name, _, _ in inside if name is not None)
        else:
            systems = systems_of(asset for hit in hits for asset in hit.assets)
        latest = [hit for arrival in arrivals[system, key] for hit in arrival.hits]
        trigger = max(latest, key=lambda hit: (hit.time, hit.event_id))
        return Occurrence(dict(zip(self.rule.group_by, key, strict=True)), hits, trigger, systems, value)

    def _forget(self, oldest: int) -> None:
        while self._windows:
            key, window = next(iter(self._windows.items()))
            idle = window.last < oldest
            if not idle and len(self._windows) <= MOST_GROUPS and self._held <= MOST_HELD:
                return
            self.dropped += not idle
            self._held -= window.size
            del self._windows[key]


def in_order(rules: Mapping[str, Correlation]) -> Iterator[Correlation]:
    """Yield correlations, each after those that it refers to.

    Raises:
        ValueError: If some refer to each other in a circle.
    """
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> Iterator[Correlation]:
        if name in path:
            raise ValueError(f"the correlation refers to itself: {' > '.join((*path, name))}")
        if name in done or name not in rules:
            return
        for other in rules[name].rules:
            yield from visit(other, (*path, name))
        done.add(name)
        yield rules[name]

    for name in rules:
        yield from visit(name, ())


def piece_of(rule: Correlation, found: Occurrence, time: int) -> CorrelationPiece:
    """Return a correlation's match as a piece for the correlations that refer to it."""
    identity = "\x1f".join(map(str, (rule.name, time, *found.fields.values())))
    return CorrelationPiece(rule.name, identity, found.fields, found.hits, found.systems)


def _key(fields: Fields, names: Sequence[str]) -> _Key | None:
    key = []
    for name in names:
        value = fields.get(name)
        if value is None:
            return None
        key.append(_folded(value))
    return tuple(key)


def _folded(value: Scalar) -> Scalar:
    return value.lower() if isinstance(value, str) else value


def _by_key(entry: tuple[_Key, object]) -> tuple[str, ...]:
    return tuple(map(str, entry[0]))
