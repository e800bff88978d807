"""Which findings belong together: one actor, or for what has no actor one system or model, without a long silence.

Findings are taken in order of time, and each joins what came before it. So what comes later never changes what was
joined earlier, and the result is a function of the set of findings: in which order or in how many runs they arrived
does not matter.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from caponier.records.finding import Finding

Names = Callable[[Finding], frozenset[str]]


class Group:
    """Findings that belong together."""

    def __init__(
        self, finding: Finding, actors: frozenset[str], assets: frozenset[str], *, foothold: bool = False
    ) -> None:
        self.findings = [finding]
        """In order of their first event."""
        self.foothold = foothold
        """Whether something was left behind that outlives a silence: a key, rights, an image."""
        self.actors = set(actors)
        self.assets = set(assets)
        self.first = finding.first_time
        self.last = finding.last_time

    def take(self, other: "Group") -> None:
        """Make another group a part of this one."""
        self.findings += other.findings
        self.actors |= other.actors
        self.assets |= other.assets
        self.foothold |= other.foothold
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings by their first event, each once."""
    once = {finding.finding_id: finding for finding in findings}
    return sorted(once.values(), key=lambda finding: (finding.first_time, finding.finding_id))


def group(
    findings: Iterable[Finding],
    actors_of: Names,
    assets_of: Names,
    gap: timedelta,
    *,
    foothold: timedelta | None = None,
    leaves: Callable[[Finding], bool] = lambda _: False,
) -> list[Group]:
    """Join findings.

    A finding joins every group of its actor that was active within the gap: so a finding that names two actors makes
    one group of two. A finding without an actor (a data set, a file, a model) joins the group that was last active on
    the same system, model or file; if there is none it waits, and the next actor on them takes it over. Two actors on
    one system stay apart.

    Args:
        findings: In any order; the same one may come twice.
        actors_of: Who acted; one name an actor.
        assets_of: What was acted on.
        gap: The silence that separates two groups.
        foothold: The silence that separates two groups of an actor who left something behind; the gap, if not given.
        leaves: Tells whether a finding is about something that is left behind.

    Returns:
        Groups in the order of their first event.
    """
    board = _Board(gap, foothold or gap)
    for finding in in_order(findings):
        board.place(Group(finding, actors_of(finding), assets_of(finding), foothold=leaves(finding)))
    for one in board.groups:
        one.findings = in_order(one.findings)
    return sorted(board.groups, key=lambda one: (one.first, one.findings[0].finding_id))


class _Board:
    """The groups so far, found by actor and by asset without looking through all of them."""

    def __init__(self, gap: timedelta, foothold: timedelta) -> None:
        self._gap, self._foothold = gap, foothold
        self._groups: dict[int, Group] = {}
        self._by_actor: dict[str, Group] = {}
        self._latest: dict[str, Group] = {}
        """By asset, the group that was last active on it."""
        self._waiting: dict[str, dict[int, Group]] = defaultdict(dict)
        """By asset, the groups without an actor."""

    @property
    def groups(self) -> list[Group]:
        return list(self._groups.values())

    def place(self, new: Group) -> None:
        absorbed = self._linked(new)
        for other in absorbed:
            self._forget(other)
            new.take(other)
        self._groups[id(new)] = new
        self._by_actor |= dict.fromkeys(new.actors, new)
        for asset in new.assets:
            latest = self._latest.get(asset)
            if latest is None or latest in absorbed or _activity(new) > _activity(latest):
                self._latest[asset] = new
            if not new.actors:
                self._waiting[asset][id(new)] = new

    def _linked(self, new: Group) -> list[Group]:
        if not new.actors:
            here = [self._latest[asset] for asset in sorted(new.assets) if asset in self._latest]
            last = max(here, key=_activity, default=None)
            return [last] if last and self._recent(last, new, self._gap) else []
        mine = [self._by_actor[actor] for actor in sorted(new.actors) if actor in self._by_actor]
        known = {id(one): one for one in mine if self._recent(one, new, self._foothold if one.foothold else self._gap)}
        waiting = [one for asset in sorted(new.assets) for one in self._waiting[asset].values()]
        return list((known | {id(one): one for one in waiting if self._recent(one, new, self._gap)}).values())

    def _recent(self, one: Group, new: Group, silence: timedelta) -> bool:
        return new.first - one.last <= silence

    def _forget(self, one: Group) -> None:
        del self._groups[id(one)]
        for asset in one.assets:
            self._waiting[asset].pop(id(one), None)


def _activity(one: Group) -> tuple[datetime, str]:
    return one.last, one.findings[0].finding_id
