"""Matches of rules to findings and context: one for each rule, actor and target, how often and from when to when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from caponier.app.scan.log_episodes import (
    MOST_FACTS,
    MOST_IDS,
    MOST_PLACES,
    LogEpisode,
    LogEpisodes,
    NamesInOrder,
    RoomForIds,
)
from caponier.detect.assets.inside import Inside
from caponier.detect.habits.past import ACT, DAYS, OPEN, Fact, Past, act, day_of, neighbours_of, network_of, role_of
from caponier.detect.log import LogHit, LogMatch
from caponier.detect.sigma.confidence import RuleConfidence
from caponier.formats.figures import figure
from caponier.records.context import ContextEvent
from caponier.records.finding import Evidence, Finding, SubjectRef
from caponier.records.finding_builder import build_finding
from caponier.records.inventory import Criticality, System
from caponier.telemetry.security_logs.events import moment

CONTEXT_LIMIT: Final = 100_000
"""Context events that one scan keeps."""
_AWAY: Final = 7 * 24 * 3600 * 10**6
"""Microseconds within which work from one new place is one finding: a journey, not each of its days."""
_SEVERE: Final = frozenset(["high", "critical"])
_COUNTS: Final = frozenset(["value_count", "event_count"])
_LEVELS: Final = ("critical", "high", "medium", "low", "informational")


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


def judge(
    matches: Iterable[LogMatch],
    systems: Sequence[System],
    past: Past | None = None,
    confidence: RuleConfidence | None = None,
    inside: Inside | None = None,
) -> Judged:
    """Put matches together to findings, and to context where they touch no ML system.

    Args:
        matches: In order of time.
        systems: The inventory.
        past: What is usual in the estate; learns from the matches.
        confidence: How sure findings of rules are; as they were measured elsewhere, by default.
        inside: Which accounts are machines' and which changes are announced; none, by default.
    """
    judged, ranked = Judged(), _by_criticality(systems)
    room = RoomForIds(MOST_IDS)
    inside_ones, outside_ones, left_out = LogEpisodes(room), LogEpisodes(room), 0
    known = past or Past()
    for match in matches:
        if match.routine:
            _learn_routine(known, match)
            continue
        judged.matches += 1
        concerned = [name for name in ranked if name in match.systems]
        subject = _subject(match)
        into = inside_ones if concerned else outside_ones
        key = into.key(match, subject.kind, subject.id, concerned[0] if concerned else match.trigger.host or "")
        episode = into.find(key, match)
        if episode is None:
            if not concerned and into.opened >= CONTEXT_LIMIT:
                left_out += 1
                continue
            episode = into.open(key, match, subject, concerned)
        episode.take(match)
    findings = _sort_out(judged, inside_ones.all(), outside_ones.all(), known, inside or Inside())
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


def _learn(past: Past, episode: LogEpisode) -> None:
    rule, who = episode.first.rule.name, _name(episode.subject)
    for day in episode.days:
        if _by_strangers(episode):
            past.add(Fact(OPEN, rule, _place(episode)), day)
        for kind in episode.kinds or ("",):
            past.add(Fact(ACT, who, act(rule, kind)), day)


def _sort_out(
    judged: Judged, told: Sequence[LogEpisode], silent: Sequence[LogEpisode], past: Past, inside: Inside
) -> list[LogEpisode]:
    """Say what is a finding, what is context, and what is usual in the estate; return the first of these."""
    for episode in (*told, *silent):
        _learn(past, episode)
    into = _Sorted()
    for episode in (*told, *silent):
        news = _News.NONE if _named(past, episode, inside) else _news(past, episode)
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
    return _told_once(_each_day_once(into.findings))


def _each_day_once(episodes: Sequence[LogEpisode]) -> list[LogEpisode]:
    """Put together what an account does on day after day: one piece of news with all its targets, not one for each.

    A log of less than two weeks cannot tell whose work that is, so it is told; but nobody reads it eighty times. What
    is done on a day or two stays apart, with a finding for each target.
    """
    alike: dict[tuple[object, ...], list[LogEpisode]] = {}
    for episode in episodes:
        about = (episode.first.statistic, episode.first.trigger.host, *episode.inside[:1])
        alike.setdefault((episode.first.rule.name, episode.subject.kind, _name(episode.subject), *about), []).append(
            episode
        )
    left = set[int]()
    for same in alike.values():
        if len(set[int]().union(*(one.days for one in same))) > DAYS:
            for one in same[1:]:
                same[0].join(one)
                left.add(one.order)
    return [one for one in episodes if one.order not in left]


def _told_once(episodes: Sequence[LogEpisode]) -> list[LogEpisode]:
    """Put together what several rules count of the same events, of the same actor: one theft passes many thresholds.

    The most severe rule tells it, of these the one that asks for most, and takes up the events of the others.
    """
    tellers: dict[tuple[object, ...], list[LogEpisode]] = {}
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


def _weight(episode: LogEpisode) -> tuple[int, float, int]:
    return _LEVELS.index(episode.first.rule.level), -episode.first.threshold, episode.order


@dataclass
class _Sorted:
    """Episodes, with those put together that are one piece of news."""

    findings: list[LogEpisode] = field(default_factory=list)
    context: list[LogEpisode] = field(default_factory=list)
    _known: dict[tuple[str, ...], LogEpisode] = field(default_factory=dict)
    _journeys: dict[tuple[str, str], int] = field(default_factory=dict)

    def again(self, episode: LogEpisode) -> None:
        """Take what goes on for weeks as one finding, and not as one a night."""
        rule, subject = episode.first.rule, episode.subject
        target = episode.first.trigger.target or "" if episode.first.statistic == "rule" else ""
        self._joined(episode, rule.name, subject.kind, subject.id, episode.inside[0], target)

    def exposed(self, episode: LogEpisode) -> None:
        """Take a stranger who reaches what strangers reach every day: the news is that it is open, once.

        Who comes stays context, and becomes part of an incident if he goes on to do something.
        """
        self.context.append(episode)
        name = next(iter(episode.assets), "").partition(" ")[2]
        # Nobody in particular is its actor, so that it joins nobody's incident.
        about = replace(episode, subject=SubjectRef("asset", name), addresses=NamesInOrder())
        self._joined(about, episode.first.rule.name, "exposed", _place(episode), episode.inside[0])

    def moved(self, episode: LogEpisode) -> None:
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

    def _joined(self, episode: LogEpisode, *key: str) -> None:
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


def _news(past: Past, episode: LogEpisode) -> _News:
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
    roams = subject.kind == "account" and past.roams(subject.id, episode.days)
    if rule.news == "place" and subject.kind == "account" and not strange and not roams:
        return _News.NONE
    if subject.kind == "address" and rule.level not in _SEVERE and past.colleague(subject.id, episode.days):
        return _News.VOUCHED
    known = _known(past, rule.name, who, episode) or any(_known(past, part, who, episode) for part in rule.parts)
    # Of whoever is always elsewhere the place says nothing, so that only what he does can be new.
    if not known and (rule.news != "place" or roams):
        return _News.VOUCHED if _at_work(past, episode) else _News.ACT
    if not strange:
        return _News.NONE if known else _News.ACT
    if all(account and past.vouched(account, address, episode.days) for account, address in strange) and (
        rule.level not in _SEVERE or past.habit(rule.name, who, episode.days) or _on_its_hosts(past, who, episode)
    ):
        return _News.VOUCHED
    return _News.PLACE if past.familiar(who, episode.days) else _News.ACT


def _named(past: Past, episode: LogEpisode, inside: Inside) -> bool:
    """Tell whether the inventory says whose work it is: an announced change, or what a named machine does every day.

    A change from a strange place is nobody's who announced it. A machine that always comes from elsewhere, as hosted
    builds do, is known by what it does; no name makes a severe act usual before the weeks that make anybody's.
    """
    rule, account = episode.first.rule, episode.subject.id
    if episode.subject.kind != "account" or rule.news == "always" or len(episode.places) > MOST_PLACES:
        return False
    if all(inside.announced(account, time) for time in (episode.start, episode.last)) and not past.roams(
        account, episode.days
    ):
        return not _strange(past, episode)
    if rule.level in _SEVERE or not episode.kinds or not inside.robot(account):
        return False
    if episode.places and not past.roams(account, episode.days, span=0):
        return False
    return all(past.repeats(rule.name, kind, _name(episode.subject), episode.days) for kind in episode.kinds)


def _at_work(past: Past, episode: LogEpisode) -> bool:
    """Tell whether a server does not log who asks, and is asked from inside from where it is used for weeks."""
    if episode.subject.kind != "address" or episode.places or episode.first.rule.level in _SEVERE:
        return False
    return _on_its_hosts(past, _name(episode.subject), episode)


def _on_its_hosts(past: Past, who: str, episode: LogEpisode) -> bool:
    """Tell whether somebody works on all hosts of an episode; of more than are kept nobody can tell."""
    hosts = episode.hosts
    return 0 < len(hosts) < MOST_FACTS and all(past.works_on(who, host, episode.days) for host in hosts)


def _by_strangers(episode: LogEpisode) -> bool:
    """Tell whether somebody without an account came to a place, and nothing more is known of him."""
    return episode.subject.kind == "address" and episode.first.rule.news == "place" and bool(episode.places)


def _place(episode: LogEpisode) -> str:
    """Name what was reached: what, and at which port."""
    trigger = episode.first.trigger
    return f"{trigger.target or ''} port {trigger.port or ''}"


def _strange(past: Past, episode: LogEpisode) -> list[tuple[str | None, str]]:
    """Return the places of an episode that are not its account's own."""
    return [
        (account, address) for account, address in sorted(episode.places, key=str)
        if not (account and past.at_home(account, address, episode.days))
    ]  # fmt: skip


def _known(past: Past, rule: str, who: str, episode: LogEpisode) -> bool:
    if past.habit(rule, who, episode.days):
        return True
    kinds = episode.kinds
    return 0 < len(kinds) < MOST_FACTS and all(past.peers(rule, kind, who, episode.days) for kind in kinds)


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


def _finding(episode: LogEpisode, system: System, confidence: RuleConfidence) -> Finding:
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


def _facts(episode: LogEpisode, confidence: RuleConfidence) -> dict[str, object]:
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


def _of_many(episode: LogEpisode) -> bool:
    return episode.subject.kind == "asset" and len(episode.addresses) >= MOST_FACTS


def _context(episode: LogEpisode) -> ContextEvent:
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


def _summary(episode: LogEpisode, system: str | None) -> str:
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
        of = f" of {match.counted}" if match.counted else ""
        text += f" ({how.format(figure(match.value, 6))}{of})"
    elif episode.count > 1:
        text += f" ({episode.count:,} times)"
    return text


def _actor(hit: LogHit) -> str:
    if hit.account and hit.address:
        return f"{hit.account} from {hit.address}"
    return hit.account or hit.address or "somebody"
