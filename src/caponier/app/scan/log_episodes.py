"""Matches that belong together: one episode for each rule, actor and target, from its first match to a long quiet."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from caponier.detect.habits.past import day_of
from caponier.detect.log import LogHit, LogMatch
from caponier.records.finding import SubjectRef

FIRST_IDS: Final = 100
"""Events that a finding always names."""
MOST_IDS: Final = 200_000
"""Events that the findings and the context of a scan name beside those; how many more there were is told."""
MOST_TARGETS: Final = 50
"""Targets of one rule, actor and system with a finding of their own; the further ones of a worm share one."""
MOST_PLACES: Final = 50
"""Addresses outside of one finding that are looked up in the estate's past; whoever has more is never usual."""
LISTED: Final = 1_000
"""Targets that a finding lists."""
MOST_FACTS: Final = 10
"""Places in logs and assets that a finding names."""


class NamesInOrder(dict[str, None]):
    """Names in the order in which they came, each once, and no more than so many."""

    def __init__(self, most: int = MOST_FACTS) -> None:
        super().__init__()
        self._most = most

    def add(self, name: str | None) -> None:
        """Take a name."""
        if name and len(self) < self._most:
            self[name] = None


@dataclass
class RoomForIds:
    """How many events a scan's findings may still name together, beside the first ones of each."""

    left: int = MOST_IDS


@dataclass
class LogEpisode:
    """Matches that belong together: the same rule, actor and target, without a long quiet."""

    first: LogMatch
    subject: SubjectRef
    inside: tuple[str, ...]
    """The ML systems, the most critical first; empty for context."""
    order: int
    start: int
    room: RoomForIds
    last: int = 0
    count: int = 0
    left_out: int = 0
    ids: dict[str, None] = field(default_factory=dict)
    targets: NamesInOrder = field(default_factory=lambda: NamesInOrder(LISTED))
    accounts: NamesInOrder = field(default_factory=NamesInOrder)
    addresses: NamesInOrder = field(default_factory=NamesInOrder)
    hosts: NamesInOrder = field(default_factory=NamesInOrder)
    keys: NamesInOrder = field(default_factory=NamesInOrder)
    assets: NamesInOrder = field(default_factory=NamesInOrder)
    kinds: NamesInOrder = field(default_factory=NamesInOrder)
    """Kinds of assets, and of which systems."""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_FACTS))
    days: set[int] = field(default_factory=set)
    places: set[tuple[str | None, str]] = field(default_factory=set)
    """Accounts and the addresses outside that they came from; no more than are told to be known in a moment."""
    also: dict[str, None] = field(default_factory=dict)
    """Titles of other rules that told of the same events."""

    def take(self, match: LogMatch) -> None:
        """Put a match to it."""
        self.last, self.count = match.time, self.count + 1
        self.targets.add(match.trigger.target)
        for hit in (*match.hits, match.trigger):
            if hit.event_id not in self.ids:
                self._take_hit(hit)

    def join(self, other: "LogEpisode") -> None:
        """Make a later episode a part of this one."""
        self.last, self.count, self.start = (
            max(self.last, other.last),
            self.count + other.count,
            min(self.start, other.start),
        )
        self.left_out += other.left_out
        self.ids |= other.ids
        self.days |= other.days
        self.also |= other.also
        self.lines.extend(other.lines)
        for mine, others in (
            (self.targets, other.targets), (self.accounts, other.accounts), (self.addresses, other.addresses),
            (self.hosts, other.hosts), (self.keys, other.keys), (self.assets, other.assets), (self.kinds, other.kinds),
        ):  # fmt: skip
            for name in others:
                mine.add(name)

    def _take_hit(self, hit: LogHit) -> None:
        self.start = min(self.start, hit.time)
        self.days.add(day_of(hit.time))
        if hit.outside and hit.address and len(self.places) <= MOST_PLACES:
            self.places.add((hit.account, hit.address))
        self.accounts.add(hit.account)
        self.addresses.add(hit.address)
        self.hosts.add(hit.host)
        for key in hit.keys:
            self.keys.add(key)
        for asset in hit.assets:
            self.assets.add(f"{asset.kind} {asset.name}")
            self.kinds.add(f"{asset.kind} of {asset.system}")
        self.lines.append(f"{hit.file}:{hit.line}")
        if len(self.ids) >= FIRST_IDS:
            if not self.room.left:
                self.left_out += 1
                return
            self.room.left -= 1
        self.ids[hit.event_id] = None


class LogEpisodes:
    """The episodes that are going on, each closed after its quiet."""

    def __init__(self, room: RoomForIds) -> None:
        self._room = room
        self._open: OrderedDict[tuple[str, ...], LogEpisode] = OrderedDict()
        self._widths: dict[tuple[str, ...], dict[str, None]] = {}
        self.closed: list[LogEpisode] = []
        self.opened = 0

    def key(self, match: LogMatch, *about: str) -> tuple[str, ...]:
        """Say to which episode a match belongs.

        A correlation is about its group as a whole, whatever targets the events in it have, so it lists them.
        """
        base, target = (match.rule.name, *about), match.trigger.target or ""
        if match.statistic != "rule":
            return base
        width = self._widths.setdefault(base, {})
        if target not in width and len(width) >= MOST_TARGETS:
            return (*base, "", "others")
        width[target] = None
        return (*base, target)

    def find(self, key: tuple[str, ...], match: LogMatch) -> LogEpisode | None:
        """Return the episode that goes on with a match, or None if it begins one; matches come in order of time."""
        self._close_before(match.time)
        known = self._open.get(key)
        if known and match.time - known.last > round(match.rule.quiet * 1e6):
            self.closed.append(self._open.pop(key))
            known = None
        if known:
            self._open.move_to_end(key)
        return known

    def open(self, key: tuple[str, ...], match: LogMatch, subject: SubjectRef, inside: Sequence[str]) -> LogEpisode:
        """Begin an episode."""
        begun = LogEpisode(match, subject, tuple(inside), self.opened, match.time, self._room)
        self.opened += 1
        self._open[key] = begun
        return begun

    def _close_before(self, time: int) -> None:
        while self._open:
            oldest = next(iter(self._open.values()))
            if time - oldest.last <= round(oldest.first.rule.quiet * 1e6):
                return
            key, over = self._open.popitem(last=False)
            self.closed.append(over)
            base = key[:-2] if key[-1] == "others" else key[:-1]
            if width := self._widths.get(base):
                width.pop(key[-1], None)
                if not width:
                    del self._widths[base]

    def all(self) -> list[LogEpisode]:
        """Close what is still open and return everything, in the order in which it began."""
        self.closed += self._open.values()
        self._open.clear()
        return sorted(self.closed, key=lambda episode: episode.order)
