"""How many callers responses may bind by themselves: what exceeds it waits for an approver.

Detection may be wrong in a way that hits many at once: a baseline that does not fit any more, a fault that many clients
have, or somebody who writes many names. Then people decide, and no machine.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from caponier.records.finding import SubjectRef
from caponier.records.response_action import ActionKind, ActionState, ResponseAction
from caponier.respond.plan import is_live, key_of, numbered
from caponier.respond.settings import RespondSettings
from caponier.telemetry.client_address import site_of

WINDOW: Final = timedelta(hours=1)
BINDING: Final = (ActionKind.BLOCK, ActionKind.THROTTLE, ActionKind.ROUND, ActionKind.HOLD)
"""What is done to callers without anybody's help."""
_CALLERS: Final = ("principal", "session", "address", "model")
EVERYBODY: Final = "model"
WAITS: Final = "It waits for an approver: as many callers are bound within an hour as responses may bind by themselves."
AT_ADDRESS: Final = (
    "It binds the address: that keeps coming under new names, which the model server was not seen to check."
)


def most_bound(settings: RespondSettings, principals: int) -> int:
    """Return how many callers may be bound in an hour without an approver.

    Args:
        settings: The section `[respond]`.
        principals: Callers of the last hour.
    """
    return max(settings.limit_least, int(settings.limit * principals))


def binds(action: ResponseAction) -> bool:
    """Tell whether an action does something to a caller by itself."""
    return action.kind in BINDING and action.scope.kind in _CALLERS and not action.needs_approval


def bound_in(actions: Iterable[ResponseAction], author: str, now: datetime) -> dict[SubjectRef, datetime]:
    """Return whom actions of an author have bound within the last hour by themselves, and when first."""
    found: dict[SubjectRef, datetime] = {}
    for action in actions:
        if action.author == author and binds(action) and now - WINDOW < action.created <= now:
            found[action.scope] = min(action.created, found.get(action.scope, action.created))
    return found


class NameOrigins(Protocol):
    """Tells where names come from that nobody checks: whoever writes one can write a thousand."""

    def address_of(self, caller: SubjectRef) -> SubjectRef | None:
        """Return the scope of the address where a caller's name may have been made up; None if it was checked."""

    def is_new(self, caller: SubjectRef) -> bool:
        """Tell whether that address may be bound in the caller's stead: it harms none who has long come from there.

        Args:
            caller: Of whom something was found.
        """

    def pardon(self, caller: SubjectRef) -> None:
        """Take a caller whom people have let go."""


class CheckedNames:
    """Names that are all checked."""

    def address_of(self, caller: SubjectRef) -> SubjectRef | None:
        """Return None."""
        return None

    def is_new(self, caller: SubjectRef) -> bool:
        """Return False."""
        return False

    def pardon(self, caller: SubjectRef) -> None:
        """Do nothing."""


CHECKED: Final = CheckedNames()


class BindingRoom:
    """Shares what automatic responses may bind among those who do harm.

    Each caller is one. But names of one address that nobody checks share: the address may have as many of them bound as
    there is room besides, and never the last room if it has any. Where it keeps coming under new names the address
    itself is bound, and is one caller with all of them. In the same way all addresses of a site share that has many
    (`telemetry.client_address.site_of`); it is never bound itself. So nobody can use up by himself what is there for
    others.

    Args:
        bound: Whom automatic responses have bound within the last hour, and since when.
        most: How many that may be.
        origins: Of names.
        spared: Addresses that people have let go.
    """

    def __init__(
        self,
        bound: Mapping[SubjectRef, datetime],
        most: int,
        origins: NameOrigins = CHECKED,
        spared: Collection[SubjectRef] = (),
    ) -> None:
        self.bound = dict(bound)
        self._most, self._origins, self._spared = most, origins, spared
        self._held: Counter[SubjectRef] = Counter()
        """By address, or else caller, and by site: what is bound of it, and counts."""
        self._new: Counter[SubjectRef] = Counter()
        """By address: those of them that it stands for once it is bound itself."""
        self._all = 0
        for scope in bound:
            party = origins.address_of(scope)
            self._count(scope, party, new=party is not None and origins.is_new(scope))

    def begin(self, action: ResponseAction, now: datetime) -> ResponseAction | None:
        """Return an action as it may begin: as it is, or against the caller's address; None if it has to wait.

        What is done to a model is done to everybody who asks it, which is more than any limit.
        """
        scope = action.scope
        if scope.kind == EVERYBODY or scope in self.bound:
            return None if scope.kind == EVERYBODY else action
        party = self._origins.address_of(scope)
        if party is not None and (party in self._spared or not self._origins.is_new(scope)):
            return action if self._takes(scope, party, now, new=False) else None
        if party is not None and party in self.bound:
            return self._in_stead(action, party)
        if self._takes(scope, party, now, new=party is not None):
            return action
        if party is not None and self._most > 0 and (self._new[party] or self._has_room(_site(party))):
            self.bound[party] = now
            self._count(party, party, new=False)
            return self._in_stead(action, party)
        return None

    def _takes(self, scope: SubjectRef, party: SubjectRef | None, now: datetime, *, new: bool) -> bool:
        one = party or scope
        if not (self._has_room(one) and self._has_room(_site(one))):
            return False
        self.bound[scope] = now
        self._count(scope, party, new=new)
        return True

    def _has_room(self, one: SubjectRef | None) -> bool:
        """Tell whether another one may be bound of those who share."""
        left, held = self._most - self._all, 0 if one is None else self._held[one]
        return left > 0 and (not held or held + 1 < left)

    def _count(self, scope: SubjectRef, party: SubjectRef | None, *, new: bool) -> None:
        one = party or scope
        if scope == one:
            # It stands for its new names, which count no more.
            self._add(one, -self._new.pop(one, 0))
        elif new and one in self.bound:
            return
        self._new[one] += new
        self._add(one, 1)

    def _add(self, one: SubjectRef, n: int) -> None:
        self._all += n
        for sharing in (one, _site(one)):
            if sharing is not None:
                self._held[sharing] += n

    def _in_stead(self, action: ResponseAction, address: SubjectRef) -> ResponseAction:
        return replace(action, scope=address, reason=f"{action.reason}\n{AT_ADDRESS}")


def _site(one: SubjectRef) -> SubjectRef | None:
    site = site_of(one.id) if one.kind == "address" else None
    return None if site is None else SubjectRef("site", site)


def limited(
    planned: Sequence[ResponseAction], known: Sequence[ResponseAction], room: BindingRoom, now: datetime
) -> Iterator[ResponseAction]:
    """Yield actions as they may be applied; those that would bind more callers than may be wait for an approval.

    Args:
        planned: In the order in which they are wanted.
        known: Every action that the incident ever had: what waits already is not asked for again.
        room: Whom automatic responses have bound within the last hour, and may bind.
        now: The present.
    """
    for action in planned:
        begun = room.begin(action, now) if binds(action) else action
        if begun is None:
            begun = replace(action, needs_approval=True, reason=f"{action.reason}\n{WAITS}")
        if begun is action:
            yield action
        elif not any(key_of(one) == key_of(begun) and is_live(one, now) for one in known):
            yield numbered(begun, known)


def is_automatic(action: ResponseAction) -> bool:
    """Tell whether an action is in force that nobody has approved."""
    return action.state is ActionState.ACTIVE and action.approver is None
