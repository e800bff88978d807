"""The Sigma detector: our rules and the user's, run over log events."""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from caponier.detect.assets.inside import Inside
from caponier.detect.assets.scope import Scope, systems_of
from caponier.detect.log import LogHit, LogMatch, LogRule, Waiting
from caponier.detect.sigma.compiler import Compiled, compile_rules, linear_regex
from caponier.detect.sigma.correlation import CorrelationPiece, Correlator, Occurrence, piece_of
from caponier.detect.sigma.hits import Hits, Matched, waiting_of
from caponier.detect.sigma.matcher import Matcher
from caponier.detect.sigma.rule_files import own_rules, read_rules
from caponier.formats.closing import Closing
from caponier.records.skip import Skip
from caponier.telemetry.client_address import address_name
from caponier.telemetry.security_logs.events import LogEvent
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.identity import account_name, identity
from caponier.telemetry.security_logs.sources import LogSource
from caponier.telemetry.security_logs.target import MINTED, target

MOST_WAITING: Final = 20_000
"""Events that one run leaves to the next."""
_TOGETHER: Final = 10_000
"""Sets of rules that match one event, of which is remembered what is kept of it."""


class Sigma:
    """Sigma rules as a detector over logs.

    Args:
        folders: Folders or files with the user's rules, beside our own.
        own: Whether to run the rules that ship with the package.

    Raises:
        InputError: If a folder does not exist or holds no rule.
        MissingExtraError: If pySigma is not installed.
    """

    name = "sigma"

    def __init__(self, folders: Sequence[Path] = (), *, own: bool = True) -> None:
        theirs = [document for folder in folders for document in read_rules(folder)]
        self._compiled = compile_rules([*(own_rules() if own else ()), *theirs]) if theirs or not own else _own()

    @property
    def rules(self) -> tuple[LogRule, ...]:
        """The rules that may match by themselves."""
        return tuple(self._compiled.rules.values())

    @property
    def bad(self) -> tuple[Skip, ...]:
        """The rules that cannot be run, with the reasons."""
        return tuple(self._compiled.bad)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing about the rules."""
        return tuple(self._compiled.notes)

    @property
    def categories(self) -> frozenset[str]:
        """The categories of log sources that the rules ask for."""
        return frozenset(table.origin.category for table in self._compiled.tables if table.origin.category)

    def asks(self, origin: LogSource) -> bool:
        """Tell whether any rule asks for events of a log source."""
        return any(table.takes(origin) for table in self._compiled.tables)

    def start(self, scope: Scope, salt: bytes = b"", inside: Inside | None = None) -> "SigmaRun":
        """Begin a run over logs."""
        return SigmaRun(self._compiled, scope, salt, inside)

    def matcher(self, scope: Scope, salt: bytes = b"", inside: Inside | None = None) -> "EventMatcher":
        """Begin to match single events, to be taken by a run that may be in another process."""
        return EventMatcher(self._compiled, scope, salt, inside)


@cache
def _own() -> Compiled:
    """Compile the rules that ship with the package: they are the same as long as the process lives."""
    return compile_rules(own_rules())


class EventMatcher(Closing):
    """The rules over single events: what it says of one depends on that one alone."""

    def __init__(self, compiled: Compiled, scope: Scope, salt: bytes, inside: Inside | None = None) -> None:
        self._compiled, self._scope, self._salt = compiled, scope, salt
        self._inside = inside or Inside()
        self._matcher = Matcher(compiled.tables, linear_regex(), self._inside)
        self._wanted = lru_cache(_TOGETHER)(self._fields_of)
        self._spoken = lru_cache(_TOGETHER)(self._find_spoken)
        plain = self._inside.plain()
        self._plain = Matcher(compiled.tables, linear_regex(), plain) if plain else None

    @property
    def learns(self) -> bool:
        """Whether anything may be routine, so that it says what is usual."""
        return self._plain is not None

    def match(self, events: Sequence[LogEvent]) -> list[Matched]:
        """Return the events that rules match, and those that they leave out because they are routine."""
        found, usual = self._matcher.match(events), self._usual(events)
        matched = (
            self._matched(events[at], found.get(at, []), usual.get(at, [])) for at in dict.fromkeys([*found, *usual])
        )
        return [one for one in matched if one.rules or one.usual]

    def _usual(self, events: Sequence[LogEvent]) -> dict[int, list[str]]:
        if self._plain is None:
            return {}
        routine = [position for position, event in enumerate(events) if self._inside.routine(event)]
        found = self._plain.match([events[position] for position in routine])
        return {routine[place]: rules for place, rules in found.items()}

    def _matched(self, event: LogEvent, rules: Sequence[str], usual: Sequence[str]) -> Matched:
        fields = event.fields
        who, assets = identity(fields), self._scope.assets(fields)
        outside, about = self._inside.origin(fields) == "outside", target(fields)
        port, keys = _port(fields), _keys(fields)
        hit = LogHit(event.time, event.id(self._salt), *who, assets, event.file, event.line, about, outside, port, keys)
        spoken = self._spoken(tuple(rules), bool(assets))
        left = tuple(rule for rule in usual if rule not in spoken) if usual else ()
        wanted = self._wanted(spoken + left)
        values = zip(wanted, self._matcher.row(event, wanted, who), strict=True)
        return Matched(hit, spoken, {name: value for name, value in values if value is not None}, left)

    def _fields_of(self, rules: tuple[str, ...]) -> tuple[str, ...]:
        """Return the fields that correlations ask for of an event that some rules match."""
        return tuple(dict.fromkeys(name for rule in rules for name in self._compiled.fields.get(rule, ())))

    def _find_spoken(self, rules: tuple[str, ...], touched: bool) -> tuple[str, ...]:
        """Leave out rules for acts in general, where a rule of its own speaks or no ML system is touched."""
        known = self._compiled.rules
        if touched and all(known[name].yields for name in rules if name in known):
            return rules
        return tuple(name for name in rules if name not in known or not known[name].yields)

    def close(self) -> None:
        """Free the memory."""
        self._matcher.close()
        if self._plain is not None:
            self._plain.close()


class SigmaRun(Closing):
    """One run over logs: single events are matched as they come, correlations in order of time."""

    def __init__(self, compiled: Compiled, scope: Scope, salt: bytes, inside: Inside | None = None) -> None:
        self._compiled = compiled
        self._matcher = EventMatcher(compiled, scope, salt, inside)
        self._hits = Hits()
        self._correlators = [Correlator(rule) for rule in compiled.correlations]
        self._learners = [Correlator(rule) for rule in compiled.correlations]
        """The same over what is routine, too: what machines do every day is usual, whoever has named them."""
        self._concerned = lru_cache(_TOGETHER)(self._find_concerned)
        self._longest = max((rule.span for rule in compiled.correlations), default=0)
        self._late: deque[Matched] = deque(maxlen=MOST_WAITING)
        self._told: frozenset[str] = frozenset()

    def feed(self, events: Sequence[LogEvent]) -> None:
        """Take events, in any order."""
        self.take(self._matcher.match(events))

    def take(self, matched: Sequence[Matched]) -> None:
        """Take events that were matched already, in any order."""
        self._hits.add(matched)

    def resume(self, waiting: Iterable[Waiting]) -> None:
        """Take what an earlier run left, after all events and before any match: it counts, and is not told again."""
        self._told |= self._hits.resume(waiting)

    def waiting(self) -> list[Waiting]:
        """Return what a later run may need, once all matches were yielded."""
        return [waiting_of(matched) for matched in self._late]

    def matches(self, before: int | None = None) -> Iterator[LogMatch]:
        """Yield the matches of all events, or of those before a moment (microseconds), in order of time."""
        for time, group in self._hits.moments(before):
            self._wait(time, group)
            pieces = [_piece(rule, matched) for matched in group for rule in matched.rules]
            usual = [_piece(rule, matched) for matched in group for rule in matched.usual]
            yield from self._alone(pieces, time)
            if usual:
                yield from (replace(match, routine=True) for match in self._alone(usual, time))
            if self._matcher.learns:
                together = self._together(self._learners, [*pieces, *usual], time)
                yield from (replace(match, routine=True) for match in together)
            yield from self._together(self._correlators, pieces, time)

    def _alone(self, pieces: Sequence[CorrelationPiece], time: int) -> Iterator[LogMatch]:
        for piece in pieces:
            rule = self._compiled.rules.get(piece.rule)
            if rule and piece.id not in self._told:
                yield LogMatch(rule, time, piece.hits, piece.hits[0], piece.systems)

    def _together(
        self, correlators: Sequence[Correlator], pieces: list[CorrelationPiece], time: int
    ) -> Iterator[LogMatch]:
        for place in self._concerned(frozenset(piece.rule for piece in pieces)):
            correlator = correlators[place]
            for found in correlator.moment(time, pieces):
                pieces.append(piece_of(correlator.rule, found, time))
                rule = self._compiled.rules.get(correlator.rule.name)
                if rule and found.trigger.event_id not in self._told:
                    yield _match(rule, correlator, found, time)

    def _find_concerned(self, there: frozenset[str]) -> tuple[int, ...]:
        """Return the places of the correlations that ask for some rules, or for each other's matches of them."""
        reached, found = set(there), []
        for place, rule in enumerate(self._compiled.correlations):
            if not reached.isdisjoint(rule.rules):
                found.append(place)
                reached.add(rule.name)
        return tuple(found)

    def _wait(self, time: int, group: Sequence[Matched]) -> None:
        """Keep the events that correlations ask for, as long as the longest of them looks back."""
        asked = self._compiled.fields.keys()
        self._late.extend(one for one in group if not asked.isdisjoint(one.rules + one.usual))
        while self._late and self._late[0].hit.time < time - self._longest:
            self._late.popleft()

    @property
    def notes(self) -> list[str]:
        """What the user ought to know about the run."""
        notes = [
            f"{correlator.rule.name}: too many groups at once; {correlator.dropped:,} windows were forgotten early"
            for correlator in self._correlators
            if correlator.dropped
        ]
        if self._hits.repeated:
            notes.append(f"{self._hits.repeated:,} matching events were in the logs more than once and counted once")
        return notes

    def close(self) -> None:
        """Drop what was kept."""
        self._matcher.close()
        self._hits.close()


def _port(fields: Fields) -> str | None:
    port = fields.get("dst_port")
    return None if port is None else str(port)[:16]


def _keys(fields: Fields) -> tuple[str, ...]:
    """Return the long-lived keys of an event: those of a session end with it, and many sessions have one."""
    named = [str(fields[name]) for name in _KEY_FIELDS if name in fields]
    return tuple(dict.fromkeys(key for key in named if _LONG_LIVED.fullmatch(key))) if named else ()


_KEY_FIELDS: Final = ("useridentity.accesskeyid", MINTED)
_LONG_LIVED: Final = re.compile(r"AKIA[A-Z0-9]{12,32}", re.ASCII)
"""Ids of AWS, of which others begin otherwise; as its user guide has it under IAM identifiers."""


def _piece(rule: str, matched: Matched) -> CorrelationPiece:
    hit = matched.hit
    return CorrelationPiece(rule, hit.event_id, matched.fields, (hit,), systems_of(hit.assets) if hit.assets else ())


def _match(rule: LogRule, correlator: Correlator, found: Occurrence, time: int) -> LogMatch:
    plan = correlator.rule
    return LogMatch(
        rule,
        time,
        found.hits,
        found.trigger,
        found.systems,
        float(found.value),
        float(plan.threshold),
        plan.kind.value,
        _about(found),
        next((field for field in plan.counted if field), None),
    )


def _about(found: Occurrence) -> str | None:
    """Tell whether all events of a correlation's group are of the trigger's account, or else of its address."""
    trigger, group = found.trigger, {str(value).lower() for value in found.fields.values()}
    if trigger.account and trigger.account in {account_name(value) for value in group}:
        return "account"
    return "address" if trigger.address and trigger.address in {address_name(value) for value in group} else None
