"""What response actions would have stopped, counted over a log of queries."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from caponier.records.event import UNKNOWN
from caponier.records.finding import SubjectRef
from caponier.records.incident import Incident
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionKind, ResponseAction, scopes_of
from caponier.respond.actors import Actors, name_of
from caponier.respond.effects import EFFECTS
from caponier.respond.settings import RespondSettings


class Query(NamedTuple):
    """One query in a log: who asked which model, and when."""

    principal: str | None
    model: str
    time: datetime
    session: str | None = None
    address: str | None = None
    system: str | None = None

    @property
    def caller(self) -> str | None:
        """The caller's name as an actor: the principal, or else the session from this address, or else the address."""
        if self.principal:
            return f"principal:{self.principal}"
        if self.session:
            sender = f"address:{self.address}" if self.address else None
            return name_of(SubjectRef("session", self.session, sender=sender))
        return f"address:{self.address}" if self.address else None


@dataclass(frozen=True, slots=True)
class DryRun:
    """What one action, or all of them together, would have done to the queries of a log."""

    action_id: str | None
    """None is all of them together."""
    verb: str
    """`stopped`, `rounded` or `held`; empty where the action does not act on queries."""
    attack: int
    """How many of the incident's queries."""
    of_attack: int
    """Those by an actor of the incident, from its first event on."""
    others: int
    of_others: int
    earlier: int = 0
    """Of `others`, those by an actor of the incident, before its first event."""
    of_earlier: int = 0

    @property
    def words(self) -> str:
        """The counts as a sentence without a full stop."""
        if not self.verb:
            return "does not apply: this action does not act on queries"
        cost = f"{self.others - self.earlier:,} of {self.of_others - self.of_earlier:,} queries of others"
        parts = [cost]
        if self.of_earlier:
            parts.insert(0, f"{self.earlier:,} of {self.of_earlier:,} earlier queries of the same callers")
        if not self.of_attack:
            stopped = f"would have {self.verb} {' and '.join(parts)}"
            return f"{stopped}; the log holds no attack query of this incident"
        parts.insert(0, f"{self.attack:,} of {self.of_attack:,} attack queries")
        return f"would have {self.verb} {', '.join(parts[:-1])} and {parts[-1]}"


_ROUNDING = 1e-6


class _Bucket:
    """A token bucket: `burst` queries at once, refilled by `per_minute`."""

    def __init__(self, per_minute: float, burst: float) -> None:
        self._rate, self._burst = per_minute / 60, burst
        self._tokens = burst
        self._last: datetime | None = None

    def refuses(self, moment: datetime) -> bool:
        if self._last is not None:
            self._tokens = min(self._burst, self._tokens + (moment - self._last).total_seconds() * self._rate)
        self._last = moment
        # Ten times a tenth of a token is a little less than one.
        if self._tokens < 1 - _ROUNDING:
            return True
        self._tokens -= 1
        return False


class _Tally:
    def __init__(self, action: ResponseAction) -> None:
        self.action = action
        self.verb = EFFECTS[action.kind].counted
        self.attack = self.others = self.earlier = 0
        per_minute = float(action.parameters.get("per_minute", 0))
        self._bucket = (
            _Bucket(per_minute, float(action.parameters.get("burst", max(1.0, per_minute))))
            if action.kind is ActionKind.THROTTLE
            else None
        )

    def touches(self, query: Query) -> bool:
        """Tell whether the action would have done something to a query. Queries come in order of time."""
        if not self.verb or not concerns(self.action, query):
            return False
        return self._bucket.refuses(query.time) if self._bucket else True

    def count(self, *, attack: bool, earlier: bool) -> None:
        self.attack += attack
        self.others += not attack
        self.earlier += earlier

    def result(self, of_attack: int, of_others: int, of_earlier: int) -> DryRun:
        stopped = (self.attack, of_attack, self.others, of_others, self.earlier, of_earlier)
        return DryRun(self.action.action_id, self.verb, *stopped)


def concerns(action: ResponseAction, query: Query) -> bool:
    """Tell whether a query is one that an action is about; who is meant is told as the guard tells it."""
    asked = None if query.model == UNKNOWN else query.model
    if not action.reaches(asked, query.system):
        return False
    if action.scope.kind == "model":
        return True
    return not action.unsent and action.scope in scopes_of(query.principal, query.session, query.address)


def dry_run(
    actions: Iterable[ResponseAction],
    queries: Iterable[Query],
    incident: Incident,
    workspace: Workspace,
    settings: RespondSettings,
) -> tuple[DryRun, ...]:
    """Count what each action would have done had it been in force for the whole log.

    Args:
        actions: In any state.
        queries: The log; it is sorted here by time, for the sake of throttles.
        incident: Its actors' queries from its first event on are the attack. Their earlier queries are counted among
            the others, and apart: the first queries of an attack come before any evidence of it. The rest is the cost.
        workspace: The inventory, for who is one actor and for systems that the log does not name.
        settings: Which addresses identify nobody.

    Returns:
        One count an action, and one of all that stop queries together, last.
    """
    people = Actors(workspace.identities, settings)
    accused = {people.one(name) for name in incident.actors}
    systems: dict[str, str | None] = {}
    tallies = [_Tally(action) for action in actions]
    together = Counter[str]()
    for query in sorted(queries, key=lambda query: query.time):
        caller = query.caller
        theirs = caller is not None and people.one(caller) in accused
        attack, earlier = theirs and query.time >= incident.first_time, theirs and query.time < incident.first_time
        placed = query if query.system else query._replace(system=_system(query.model, workspace, systems))
        touched = [tally for tally in tallies if tally.touches(placed)]
        for tally in touched:
            tally.count(attack=attack, earlier=earlier)
        stopped = any(tally.verb == "stopped" for tally in touched)
        for name, is_one in (("attack", attack), ("others", not attack), ("earlier", earlier)):
            together[f"of_{name}"] += is_one
            together[name] += is_one and stopped
    totals = together["of_attack"], together["of_others"], together["of_earlier"]
    counts = {name: together[name] for name in ("attack", "of_attack", "others", "of_others", "earlier", "of_earlier")}
    return (*(tally.result(*totals) for tally in tallies), DryRun(None, "stopped", **counts))


def _system(model: str, workspace: Workspace, found: dict[str, str | None]) -> str | None:
    if model not in found:
        system = workspace.system_of(model)
        found[model] = system.name if system else None
    return found[model]
