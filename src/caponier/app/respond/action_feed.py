"""What a guard has to do, cheap to ask for as often as it likes."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from caponier.app.respond.respond import expire_within
from caponier.app.workspace.workspace import acting_user
from caponier.formats.closing import Closing
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionState, ResponseAction
from caponier.store import audit, response_actions
from caponier.store.database import open_store
from caponier.store.response_actions import ActiveActions


def active_actions(workspace: Workspace, *, now: datetime | None = None) -> ActiveActions:
    """Return the response actions in force, and the revision that they were read at."""
    with ActionFeed(workspace) as feed:
        return feed.read(now or datetime.now(UTC))


class ActionFeed(Closing):
    """Keeps the store open and tells what is in force. Several guards may each have one.

    An action that runs out needs no poll: whoever holds it asks `ResponseAction.active_at`.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._store = open_store(workspace.store)
        self._seen: int | None = None

    def poll(self, now: datetime) -> ActiveActions | None:
        """Return what is in force if any action has changed since the last call, or else None: one number is read."""
        with self._store.read() as connection:
            if response_actions.revision(connection) == self._seen:
                return None
        return self.read(now)

    def read(self, now: datetime) -> ActiveActions:
        """Return what is in force."""
        with self._store.read() as connection:
            found = response_actions.active(connection, now)
        self._seen = found.revision
        return found

    def expire(self, now: datetime, *, actor: str | None = None) -> tuple[ResponseAction, ...]:
        """Note in the audit log which actions have come to their end; writes only if there are any."""
        with self._store.read() as connection:
            if not response_actions.due(connection, now):
                return ()
        with self._store.write() as connection:
            audit.lock(connection)
            return expire_within(connection, now, actor or acting_user())

    def redate(self, seen: Iterable[ResponseAction], by: timedelta, *, actor: str) -> None:
        """Move actions with a clock that was set, so that they last as long as they were to; note it in the audit log.

        Args:
            seen: Actions in force; one that has changed since is left alone: somebody else has moved it.
            by: How far the clock was set.
            actor: Who saw that.
        """
        with self._store.write() as connection:
            audit.lock(connection)
            for action in seen:
                known = response_actions.get(connection, action.action_id)
                if known is not None and known.state is ActionState.ACTIVE and known.expires == action.expires:
                    moved = replace(known, created=known.created + by, expires=known.expires + by)
                    response_actions.change(connection, moved, actor, "action.redated")

    def close(self) -> None:
        """Give the store back."""
        self._store.close()
