"""How many callers responses may bind by themselves: what exceeds it waits for an approver.

Detection may be wrong in a way that hits many at once: a baseline that does not fit any more, a fault that many clients
have, or somebody who writes many names. Then people decide, and no machine.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from caponier.records.finding import SubjectRef
from caponier.records.response_action import ActionKind, ActionState, ResponseAction
from caponier.respond.plan import is_live, key_of, numbered
from caponier.respond.settings import RespondSettings

WINDOW: Final = timedelta(hours=1)
BINDING: Final = (ActionKind.BLOCK, ActionKind.THROTTLE, ActionKind.ROUND, ActionKind.HOLD)
"""What is done to callers without anybody's help."""
_CALLERS: Final = ("principal", "session", "address", "model")
EVERYBODY: Final = "model"
WAITS: Final = "It waits for an approver: as many callers are bound within an hour as responses may bind by themselves."


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


def may_bind(scope: SubjectRef, bound: Mapping[SubjectRef, datetime], most: int) -> bool:
    """Tell whether one more caller may be bound; one that is bound already is no further one.

    What is done to a model is done to everybody who asks it, which is more than any limit.
    """
    return scope.kind != EVERYBODY and (scope in bound or len(bound) < most)


def limited(
    planned: Sequence[ResponseAction],
    known: Sequence[ResponseAction],
    bound: Mapping[SubjectRef, datetime],
    most: int,
    now: datetime,
) -> Iterator[ResponseAction]:
    """Yield actions as they may be applied; those that would bind more callers than may be wait for an approval.

    Args:
        planned: In the order in which they are wanted.
        known: Every action that the incident ever had: what waits already is not asked for again.
        bound: Whom automatic responses have bound within the last hour.
        most: How many that may be.
        now: The present.
    """
    begun = dict(bound)
    for action in planned:
        if not binds(action):
            yield action
        elif may_bind(action.scope, begun, most):
            begun.setdefault(action.scope, now)
            yield action
        else:
            waiting = replace(action, needs_approval=True, reason=f"{action.reason}\n{WAITS}")
            if not any(key_of(one) == key_of(waiting) and is_live(one, now) for one in known):
                yield numbered(waiting, known)


def is_automatic(action: ResponseAction) -> bool:
    """Tell whether an action is in force that nobody has approved."""
    return action.state is ActionState.ACTIVE and action.approver is None
