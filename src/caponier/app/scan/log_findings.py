"""Matches of rules to findings and context: one for each rule, actor and target, how often and from when to when."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from caponier.detect.habits.past import ACT, OPEN, Fact, Past, act, day_of, neighbours_of, network_of, role_of
from caponier.detect.log import LogHit, LogMatch
from caponier.detect.sigma.confidence import RuleConfidence
from caponier.records.context import ContextEvent
from caponier.records.finding import Evidence, Finding, SubjectRef
from caponier.records.finding_builder import build_finding
from caponier.records.inventory import Criticality, System
from caponier.telemetry.security_logs.events import moment

CONTEXT_LIMIT: Final = 100_000
"""Context events that one scan keeps."""
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
_AWAY: Final = 7 * 24 * 3600 * 10**6
"""Microseconds within which work from one new place is one finding: a journey, not each of its days."""
_SEVERE: Final = frozenset(["high", "critical"])
_COUNTS: Final = frozenset(["value_count", "event_count"])
_LEVELS: Final = ("critical", "high", "medium", "low", "informational")
_FACTS: Final = 10
"""Places in logs and assets that a finding names."""


@dataclass
class Judged:
    """What the matches of a scan are."""

    findings: list[Finding] = field(default_factory=list)
    context: list[ContextEvent] = field(default_factory=list)
    usual: list[ContextEvent] = field(default_factory=list)
    """What is somebody's work by the estate's own past: neither finding nor context."""
    notes: list[str] = field(default_factory=list)
    matches: int = 0
    """Before those that belong together were put together."""


class _Names(dict[str, None]):
    """Names in the order in which they came, each once, and no more than so many."""

    def __init__(self, most: int = _FACTS) -> None:
        super().__init__()
        self._most = most

    def add(self, name: str | None) -> None:
        """Take a name."""
        if name and len(self) < self._most:
            self[name] = None


@dataclass
class _Room:
    """How many events a scan's findings may still name together, beside the first ones of each."""

    left: int = MOST_IDS


@dataclass
class _Episode:
    """Matches that belong together: the same rule, actor and target, without a long quiet."""

    first: LogMatch
    subject: SubjectRef
    inside: tuple[str, ...]
    """The ML systems, the most critical first; empty for context."""
    order: int
    start: int
    room: _Room
    last: int = 0
    count: int = 0
    left_out: int = 0
    ids: dict[str, None] = field(default_factory=dict)
    targets: _Names = field(default_factory=lambda: _Names(LISTED))
    accounts: _Names = field(default_factory=_Names)
    addresses: _Names = field(default_factory=_Names)
    hosts: _Names = field(default_factory=_Names)
    keys: _Names = field(default_factory=_Names)
    assets: _Names = field(default_factory=_Names)
    kinds: _Names = field(default_factory=_Names)
    """Kinds of assets, and of which systems."""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_FACTS))
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

    def join(self, other: "_Episode") -> None:
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


class _Episodes:
    """The episodes that are going on, each closed after its quiet."""

    def __init__(self, room: _Room) -> None:
        self._room = room
        self._open: OrderedDict[tuple[str, ...], _Episode] = OrderedDict()
        self._widths: dict[tuple[str, ...], dict[str, None]] = {}
        self.closed: list[_Episode] = []
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

    def find(self, key: tuple[str, ...], match: LogMatch) -> _Episode | None:
        """Return the episode that goes on with a match, or None if it begins one; matches come in order of time."""
        self._close_before(match.time)
        known = self._open.get(key)
        if known and match.time - known.last > round(match.rule.quiet * 1e6):
            self.closed.append(self._open.pop(key))
            known = None
        if known:
            self._open.move_to_end(key)
        return known

    def open(self, key: tuple[str, ...], match: LogMatch, subject: SubjectRef, inside: Sequence[str]) -> _Episode:
        """Begin an episode."""
        begun = _Episode(match, subject, tuple(inside), self.opened, match.time, self._room)
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

    def all(self) -> list[_Episode]:
        """Close what is still open and return everything, in the order in which it began."""
        self.closed += self._open.values()
        self._open.clear()
        return sorted(self.closed, key=lambda episode: episode.order)


def judge(
    matches: Iterable[LogMatch],
    systems: Sequence[System],
    past: Past | None = None,
    confidence: RuleConfidence | None = None,
) -> Judged:
    """Put matches together to findings, and to context where they touch no ML system.

    Args:
        matches: In order of time.
        systems: The inventory.
        past: What is usual in the estate; learns from the matches.
        confidence: How sure findings of rules are; as they were measured elsewhere, by default.
    """
    judged, ranked = Judged(), _by_criticality(systems)
    room = _Room(MOST_IDS)
    inside_ones, outside_ones, left_out = _Episodes(room), _Episodes(room), 0
    known = past or Past()
    for match in matches:
        if match.routine:
            _learn_routine(known, match)
            continue
        judged.matches += 1
        inside = [name for name in ranked if name in match.systems]
        subject = _subject(match)
        into = inside_ones if inside else outside_ones
        key = into.key(match, subject.kind, subject.id, inside[0] if inside else match.trigger.host or "")
        episode = into.find(key, match)
        if episode is None:
            if not inside and into.opened >= CONTEXT_LIMIT:
                left_out += 1
                continue
            episode = into.open(key, match, subject, inside)
        episode.take(match)
    findings = _sort_out(judged, inside_ones.all(), outside_ones.all(), known)
    judged.findings = [_finding(one, ranked[one.inside[0]], confidence or RuleConfidence()) for one in findings]
    if left_out:
        judged.notes.append(f"{left_out:,} context matches beyond the first {CONTEXT_LIMIT:,} were not kept")
    return judged


def _learn_routine(past: Past, match: LogMatch) -> None:
    """Take what a machine does as what is usual, as if nobody had named it: it is told to nobody, and known to all."""
    who = _name(_subject(match))
    for hit in (*match.hits, match.trigger):
        for kind in {f"{asset.kind} of {asset.system}" for asset in hit.assets} or {""}:
            past.add(Fact(ACT, who, act(match.rule.name, kind)), day_of(hit.time))


def _learn(past: Past, episode: _Episode) -> None:
    rule, who = episode.first.rule.name, _name(episode.subject)
    for day in episode.days:
        if _by_strangers(episode):
            past.add(Fact(OPEN, rule, _place(episode)), day)
        for kind in episode.kinds or ("",):
            past.add(Fact(ACT, who, act(rule, kind)), day)


def _sort_out(judged: Judged, told: Sequence[_Episode], silent: Sequence[_Episode], past: Past) -> list[_Episode]:
    """Say what is a finding, what is context, and what is usual in the estate; return the first of these."""
    for episode in (*told, *silent):
        _learn(past, episode)
    into = _Sorted()
    for episode in (*told, *silent):
        news = _news(past, episode)
        if news is _News.NONE:
            judged.usual.append(_context(episode))
        elif not episode.inside or news is _News.VOUCHED:
            into.context.append(episode)
        elif news is _News.EXPOSED:
            into.exposed(episode)
        elif news is _News.PLACE:
            into.moved(episode)
        elif episode.first.rule.about_asset or episode.first.rule.news == "always":
            into.again(episode)
        else:
            into.findings.append(episode)
    judged.context = [_context(one) for one in sorted(into.context, key=lambda one: (one.first.time, one.order))]
    return _told_once(into.findings)


def _told_once(episodes: Sequence[_Episode]) -> list[_Episode]:
    """Put together what several rules count of the same events, of the same actor: one theft passes many thresholds.

    The most severe rule tells it, of these the one that asks for most, and takes up the events of the others.
    """
    tellers: dict[tuple[object, ...], list[_Episode]] = {}
    left = set[int]()
    for episode in sorted(episodes, key=_weight):
        rule = episode.first.rule
        if episode.first.statistic not in _COUNTS:
            continue
        known = tellers.setdefault((episode.subject, episode.inside[0], frozenset(rule.techniques)), [])
        teller = next((one for one in known if not one.ids.keys().isdisjoint(episode.ids)), None)
        if teller is None:
            known.append(episode)
        else:
            left.add(episode.order)
            teller.join(episode)
            teller.also[rule.title] = None
    return [one for one in episodes if one.order not in left]


def _weight(episode: _Episode) -> tuple[int, float, int]:
    return _LEVELS.index(episode.first.rule.level), -episode.first.threshold, episode.order


@dataclass
class _Sorted:
    """Episodes, with those put together that are one piece of news."""

    findings: list[_Episode] = field(default_factory=list)
    context: list[_Episode] = field(default_factory=list)
    _known: dict[tuple[str, ...], _Episode] = field(default_factory=dict)
    _journeys: dict[tuple[str, str], int] = field(default_factory=dict)

    def again(self, episode: _Episode) -> None:
        """Take what goes on for weeks as one finding, and not as one a night."""
        rule, subject = episode.first.rule, episode.subject
        target = episode.first.trigger.target or "" if episode.first.statistic == "rule" else ""
        self._joined(episode, rule.name, subject.kind, subject.id, episode.inside[0], target)

    def exposed(self, episode: _Episode) -> None:
        """Take a stranger who reaches what strangers reach every day: the news is that it is open, once.

        Who comes stays context, and becomes part of an incident if he goes on to do something.
        """
        self.context.append(episode)
        name = next(iter(episode.assets), "").partition(" ")[2]
        # Nobody in particular is its actor, so that it joins nobody's incident.
        about = replace(episode, subject=SubjectRef("asset", name), addresses=_Names())
        self._joined(about, episode.first.rule.name, "exposed", _place(episode), episode.inside[0])

    def moved(self, episode: _Episode) -> None:
        """Take what is new by its place alone: who travels does all of his work from there, and that is one piece."""
        rule, who = episode.first.rule, _name(episode.subject).partition("@")[0]
        journeys = [(who, network_of(address)) for _, address in episode.places]
        told = [self._journeys[one] for one in journeys if one in self._journeys]
        known = self._known.get((rule.name, episode.subject.kind, episode.subject.id, episode.inside[0]))
        if known is None and rule.level not in _SEVERE and told and episode.start - max(told) <= _AWAY:
            self.context.append(episode)
        else:
            self._joined(episode, rule.name, episode.subject.kind, episode.subject.id, episode.inside[0])
        self._journeys |= dict.fromkeys(journeys, episode.last)

    def _joined(self, episode: _Episode, *key: str) -> None:
        known = self._known.get(key)
        if known and episode.start - known.last <= _AWAY:
            known.join(episode)
        else:
            self._known[key] = episode
            self.findings.append(episode)


class _News(Enum):
    """What is new about an episode in the light of the estate's past."""

    NONE = 0
    VOUCHED = 1
    """The place alone, and the identity provider sees no risk in it."""
    PLACE = 2
    """The place alone."""
    EXPOSED = 4
    """A stranger reaches what strangers reach every day."""
    ACT = 3


def _news(past: Past, episode: _Episode) -> _News:
    """Tell what is new: usual is what somebody, or several others, do on other days, from where he always is."""
    rule, who, subject = episode.first.rule, _name(episode.subject), episode.subject
    if rule.about_asset and past.told(rule.name, who, episode.days):
        return _News.NONE
    if _by_strangers(episode) and past.open_to_all(rule.name, _place(episode), episode.days):
        return _News.VOUCHED if past.told_open(rule.name, _place(episode)) else _News.EXPOSED
    if rule.news == "always" or subject.kind not in ("account", "address") or len(episode.places) > MOST_PLACES:
        return _News.ACT
    strange = [] if subject.kind == "address" else _strange(past, episode)
    # An address that acts without an account is its own place, and a sequence of usual things is nothing new by itself.
    if rule.news == "place" and subject.kind == "account" and not strange:
        return _News.NONE
    if subject.kind == "address" and rule.level not in _SEVERE and past.colleague(subject.id, episode.days):
        return _News.VOUCHED
    known = _known(past, rule.name, who, episode) or any(_known(past, part, who, episode) for part in rule.parts)
    if not known and rule.news != "place":
        return _News.VOUCHED if _at_work(past, episode) else _News.ACT
    if not strange:
        return _News.NONE if known else _News.ACT
    if all(account and past.vouched(account, address, episode.days) for account, address in strange) and (
        rule.level not in _SEVERE or past.habit(rule.name, who, episode.days) or _on_its_hosts(past, who, episode)
    ):
        return _News.VOUCHED
    return _News.PLACE if past.familiar(who, episode.days) else _News.ACT


def _at_work(past: Past, episode: _Episode) -> bool:
    """Tell whether a server does not log who asks, and is asked from inside from where it is used for weeks."""
    if episode.subject.kind != "address" or episode.places or episode.first.rule.level in _SEVERE:
        return False
    return _on_its_hosts(past, _name(episode.subject), episode)


def _on_its_hosts(past: Past, who: str, episode: _Episode) -> bool:
    """Tell whether somebody works on all hosts of an episode; of more than are kept nobody can tell."""
    hosts = episode.hosts
    return 0 < len(hosts) < _FACTS and all(past.works_on(who, host, episode.days) for host in hosts)


def _by_strangers(episode: _Episode) -> bool:
    """Tell whether somebody without an account came to a place, and nothing more is known of him."""
    return episode.subject.kind == "address" and episode.first.rule.news == "place" and bool(episode.places)


def _place(episode: _Episode) -> str:
    """Name what was reached: what, and at which port."""
    trigger = episode.first.trigger
    return f"{trigger.target or ''} port {trigger.port or ''}"


def _strange(past: Past, episode: _Episode) -> list[tuple[str | None, str]]:
    """Return the places of an episode that are not its account's own."""
    return [
        (account, address) for account, address in sorted(episode.places, key=str)
        if not (account and past.at_home(account, address, episode.days))
    ]  # fmt: skip


def _known(past: Past, rule: str, who: str, episode: _Episode) -> bool:
    if past.habit(rule, who, episode.days):
        return True
    kinds = episode.kinds
    return 0 < len(kinds) < _FACTS and all(past.peers(rule, kind, who, episode.days) for kind in kinds)


def _name(subject: SubjectRef) -> str:
    if subject.kind == "address":
        return neighbours_of(subject.id)
    return role_of(subject.id) if subject.kind == "account" else f"{subject.kind} {subject.id}"


def _by_criticality(systems: Sequence[System]) -> dict[str, System]:
    order = list(Criticality)
    return {system.name: system for system in sorted(systems, key=lambda one: -order.index(one.criticality))}


def _subject(match: LogMatch) -> SubjectRef:
    """Name whom a match is about: the account, else the address, else the asset or host.

    A correlation by address, such as many accounts tried from one, is about that address: its accounts are the victims,
    and each new one of them would be a finding of its own.
    """
    trigger = match.trigger
    if match.rule.about_asset and trigger.assets:
        return SubjectRef("asset", trigger.assets[0].name)
    if trigger.address and match.about == "address":
        return SubjectRef("address", trigger.address)
    if trigger.account:
        return SubjectRef("account", trigger.account)
    if trigger.address:
        return SubjectRef("address", trigger.address)
    return SubjectRef("asset", trigger.assets[0].name if trigger.assets else trigger.host or trigger.event_id)


def _finding(episode: _Episode, system: System, confidence: RuleConfidence) -> Finding:
    match = episode.first
    return build_finding(
        match.rule.name,
        episode.subject,
        match.trigger.event_id,
        confidence=confidence.of(match.rule),
        level=match.rule.level,
        techniques=match.rule.techniques,
        evidence=Evidence(match.statistic, match.value, match.threshold, facts=_facts(episode, confidence)),
        summary=_summary(episode, system.name),
        times=(moment(episode.start), moment(episode.last)),
        system=system,
        event_ids=list(episode.ids),
        unique_queries=len(match.hits),
    )


def _facts(episode: _Episode, confidence: RuleConfidence) -> dict[str, object]:
    """Return what the finding rests on; `account` and `address` say who acted, all of them as lists."""
    facts: dict[str, object] = {
        "rule": episode.first.rule.title,
        "level": episode.first.rule.level,
        "confidence": confidence.basis(episode.first.rule),
        "matches": episode.count,
        "targets": list(episode.targets),
        "account": list(episode.accounts),
        # Of many strangers the first few are nobody in particular.
        "address": [] if _of_many(episode) else list(episode.addresses),
        "host": list(episode.hosts),
        "key": list(episode.keys),
        "assets": list(episode.assets),
        "systems": list(episode.inside),
        "lines": list(episode.lines),
    }
    if episode.also:
        facts["also"] = list(episode.also)
    if episode.left_out:
        facts["events_not_listed"] = episode.left_out
    return facts


def _of_many(episode: _Episode) -> bool:
    return episode.subject.kind == "asset" and len(episode.addresses) >= _FACTS


def _context(episode: _Episode) -> ContextEvent:
    match, several = episode.first, len(episode.ids) > 1
    trigger = match.trigger
    return ContextEvent(
        time=moment(match.time),
        rule=match.rule.name,
        techniques=match.rule.techniques,
        account=trigger.account,
        host=trigger.host,
        address=trigger.address,
        event_id=trigger.event_id,
        summary=_summary(episode, None),
        level=match.rule.level,
        event_ids=tuple(episode.ids) if several else (),
        last_time=moment(episode.last) if episode.last > match.time else None,
    )


_COUNTED: Final = {
    "event_count": "{} times",
    "value_count": "{} different values",
    "temporal": "{} kinds of events together",
    "temporal_ordered": "{} kinds of events, one after the other",
}
"""What the joint rules of Sigma count, in words; how many are needed stands in the evidence."""


def _summary(episode: _Episode, system: str | None) -> str:
    match = episode.first
    trigger = match.trigger
    many = episode.subject.kind == "asset" and episode.count > 1
    text = f"{match.rule.title}: {'strangers' if many else _actor(trigger)}"
    if trigger.host:
        text += f" on {trigger.host}"
    named = list(episode.targets)
    touched = ", ".join(list(episode.assets)[:3])
    # What is touched is said once, also where it is what the event is about.
    if (len(named) > 1 or (named and not trigger.host)) and not (system and named == list(episode.assets)):
        text += f" on {', '.join(named[:3])}" + (f" and {len(named) - 3:,} more" if len(named) > 3 else "")
    if system and touched:
        text += f"; touched: {touched} of the ML system {system}"
    if match.statistic != "rule":
        how = _COUNTED.get(match.statistic, "{} " + match.statistic.replace("_", " "))
        text += f" ({how.format(f'{match.value:,g}')})"
    elif episode.count > 1:
        text += f" ({episode.count:,} times)"
    return text


def _actor(hit: LogHit) -> str:
    if hit.account and hit.address:
        return f"{hit.account} from {hit.address}"
    return hit.account or hit.address or "somebody"
