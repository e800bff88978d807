"""What a correlation remembers of one group: a bounded window that slides over the events in order of time.

Each window answers one question about the last `span` microseconds up to now, both ends included: how many events,
how many different values, which of the rules, or the rules in their order. The answers are those of pySigma's SQLite
backend (the tests compare the two); that one asks again for every event over its whole window, which takes quadratic
time where somebody reads ten thousand files, and these take constant time an event.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple, Protocol

from caponier.detect.assets.scope import systems_of
from caponier.detect.log import LogHit

CAP: Final = 10_000
"""Events or values in one window; a rule that counts further than this is refused."""
EVIDENCE: Final = 100
"""Events that a match keeps, the last ones."""


class Arrival(NamedTuple):
    """An event, or a match of another correlation, that takes one of the places in a correlation."""

    id: str
    slot: int
    """Which of the correlation's rules matched."""
    value: str | int | float | None
    """What value_count counts."""
    hits: tuple[LogHit, ...]
    """The event itself, or the evidence of the other correlation."""


class Window(Protocol):
    """The window of one group."""

    last: int
    """Time of the last event."""

    def add(self, time: int, arrivals: Sequence[Arrival]) -> None:
        """Take all events of one moment; moments come in order."""
        ...

    def value(self, oldest: int) -> int:
        """Forget what is older than `oldest`, and measure."""
        ...

    def evidence(self) -> tuple[LogHit, ...]:
        """Return the last events behind the measure, in order."""
        ...

    @property
    def size(self) -> int:
        """How much it holds."""
        ...


@dataclass
class EventCount:
    """How many events."""

    last: int = 0
    _held: deque[tuple[int, Arrival]] = field(default_factory=lambda: deque(maxlen=CAP))

    def add(self, time: int, arrivals: Sequence[Arrival]) -> None:
        """Take the events of one moment; one that several rules matched counts once."""
        self.last = time
        self._held.extend((time, arrival) for arrival in {arrival.id: arrival for arrival in arrivals}.values())

    def value(self, oldest: int) -> int:
        """Count."""
        while self._held and self._held[0][0] < oldest:
            self._held.popleft()
        return len(self._held)

    def evidence(self) -> tuple[LogHit, ...]:
        """Return the last events."""
        held = len(self._held)
        return _hits([self._held[i][1] for i in range(max(0, held - EVIDENCE), held)])

    @property
    def size(self) -> int:
        """How many events are held."""
        return len(self._held)


@dataclass
class ValueCount:
    """How many different values; of each the last event that has it."""

    last: int = 0
    _held: OrderedDict[str | int | float, tuple[int, Arrival]] = field(default_factory=OrderedDict)

    def add(self, time: int, arrivals: Sequence[Arrival]) -> None:
        """Take the events of one moment."""
        self.last = time
        for arrival in arrivals:
            if arrival.value is not None:
                self._held[arrival.value] = (time, arrival)
                self._held.move_to_end(arrival.value)
        while len(self._held) > CAP:
            self._held.popitem(last=False)

    def value(self, oldest: int) -> int:
        """Count."""
        while self._held and next(iter(self._held.values()))[0] < oldest:
            self._held.popitem(last=False)
        return len(self._held)

    def evidence(self) -> tuple[LogHit, ...]:
        """Return the last event of each of the last values."""
        return _hits([arrival for _, arrival in islice(reversed(self._held.values()), EVIDENCE)])

    @property
    def size(self) -> int:
        """How many values are held."""
        return len(self._held)


@dataclass
class Together:
    """How many of the rules; of each the last event, and the last one on each ML system.

    Without those on ML systems a later event elsewhere would hide that the condition holds for one of them, too.
    """

    slots: int
    last: int = 0
    _held: dict[tuple[int, str | None], tuple[int, Arrival]] = field(default_factory=dict)

    def add(self, time: int, arrivals: Sequence[Arrival]) -> None:
        """Take the events of one moment."""
        self.last = time
        for arrival in arrivals:
            for system in (None, *_systems(arrival)):
                self._held[arrival.slot, system] = (time, arrival)

    def value(self, oldest: int) -> int:
        """Count the rules."""
        self._held = {key: held for key, held in self._held.items() if held[0] >= oldest}
        return len({slot for slot, _ in self._held})

    def evidence(self) -> tuple[LogHit, ...]:
        """Return the last events of each rule."""
        return _hits([arrival for _, arrival in sorted(self._held.values(), key=lambda held: held[0])])

    @property
    def size(self) -> int:
        """How many rules are held."""
        return len(self._held)


@dataclass(frozen=True, slots=True)
class _Chain:
    start: int
    links: tuple[Arrival, ...]


@dataclass
class InOrder:
    """How many of the rules, in their order, each later than the one before it.

    For each rule the chain up to it that began last is kept, and the one that did of those that touch each ML system.
    A chain lies within the window if and only if that one does, so nothing else need be remembered.
    """

    slots: int
    last: int = 0
    _best: list[dict[str | None, _Chain]] = field(init=False)
    """For each rule: chains by ML system; None is any chain."""

    def __post_init__(self) -> None:
        self._best = [{} for _ in range(self.slots)]

    def add(self, time: int, arrivals: Sequence[Arrival]) -> None:
        """Take the events of one moment."""
        self.last = time
        # From the last rule to the first, so that two events of one moment never follow each other.
        for arrival in sorted(arrivals, key=lambda arrival: -arrival.slot):
            before = self._best[arrival.slot - 1] if arrival.slot else {None: _Chain(time, ())}
            touched = _systems(arrival)
            # With an event on an ML system any chain becomes one that touches it.
            for system in (*before, *touched):
                chain, now = before.get(None if system in touched else system), self._best[arrival.slot].get(system)
                # Of two that began at once the later one: its end is the newer evidence.
                if chain and (now is None or chain.start >= now.start):
                    self._best[arrival.slot][system] = _Chain(chain.start, (*chain.links, arrival))

    def value(self, oldest: int) -> int:
        """Return the number of rules if the whole chain lies within the window, else how far it got."""
        self._best = [{name: chain for name, chain in best.items() if chain.start >= oldest} for best in self._best]
        return max((slot + 1 for slot, chains in enumerate(self._best) if chains), default=0)

    def evidence(self) -> tuple[LogHit, ...]:
        """Return the events of the longest chains."""
        longest = next(chains for chains in reversed(self._best) if chains)
        return _hits([link for chain in longest.values() for link in chain.links])

    @property
    def size(self) -> int:
        """How many chains are held."""
        return sum(map(len, self._best))


def _systems(arrival: Arrival) -> tuple[str, ...]:
    return systems_of(asset for hit in arrival.hits for asset in hit.assets)


def _hits(arrivals: Sequence[Arrival]) -> tuple[LogHit, ...]:
    hits = {hit.event_id: hit for arrival in arrivals for hit in arrival.hits}
    return tuple(sorted(hits.values(), key=lambda hit: (hit.time, hit.event_id))[-EVIDENCE:])
