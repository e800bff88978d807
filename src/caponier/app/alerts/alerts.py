"""Findings of the store go out on every route that wants them: once, also when a receiver is away for long.

The store is the spool: what was recorded and is not noted as sent is sent, whoever recorded it and whatever became of
the process. What was sent is noted at once, route by route; so a kill can at worst repeat the one alert that was under
way, with the same id.
"""

import fcntl
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Final, Self

import orjson

from caponier.app.alerts.delivery import UnwantedError, deliver
from caponier.app.workspace.alert_routes import AlertRoute, routes_of, windows_of
from caponier.errors import CaponierError, InputError
from caponier.formats.atomic_file import write_bytes
from caponier.records.finding import Finding, rfc3339
from caponier.records.inventory import Workspace
from caponier.store import findings
from caponier.store.database import Store, open_store

FOLDER: Final = ".caponier/alerts"
OVERLAP: Final = timedelta(minutes=10)
"""Findings are looked for so long after the last one: another program may record later what it began earlier."""
FIRST_RETRY_S: Final = 1.0
LAST_RETRY_S: Final = 300.0
MOST_AT_ONCE: Final = 1_000
"""Findings that are read at once."""
_UNKEPT: Final = "the state of the routes cannot be kept"


@dataclass
class _State:
    """What is known of one route."""

    since: datetime
    """Everything that was recorded before is settled, or waits."""
    settled: dict[str, str] = field(default_factory=dict)
    """Findings that were sent, or are not to be, and when they were recorded; as long as they may be met again."""
    waiting: dict[str, str] = field(default_factory=dict)
    """Findings that are to be sent, in their order, and when they were recorded."""
    sent: int = 0
    silenced: int = 0

    def to_json(self) -> bytes:
        plain = {"since": rfc3339(self.since), "settled": self.settled, "waiting": self.waiting}
        return orjson.dumps(plain | {"sent": self.sent, "silenced": self.silenced})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        plain: dict[str, Any] = orjson.loads(data)
        plain["since"] = datetime.fromisoformat(plain["since"])
        for name in ("settled", "waiting"):
            plain[name] = dict(plain[name])
        state = cls(**plain)
        if state.since.tzinfo is None:
            raise ValueError("a time without a zone")
        return state


@dataclass
class _Way:
    """One route, with its state and what is known of its receiver."""

    route: AlertRoute
    file: Path
    state: _State
    failed: int = 0
    again: float = 0.0
    """When it is tried again, by `monotonic`."""
    minute: float = 0.0
    left: int = 0
    """Alerts that may go out within this minute."""

    def save(self) -> None:
        write_bytes(self.file, self.state.to_json(), failing="the state of a route cannot be written")
        self.file.chmod(0o600)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a look at the routes."""

    sent: int = 0
    silenced: int = 0
    """By a maintenance window."""
    waiting: int = 0
    failures: tuple[CaponierError, ...] = ()


class Alerts:
    """Sends what the store records; of several that share a workspace one does, for as long as it lives.

    Args:
        workspace: Its routes, maintenance windows and store.

    Raises:
        InputError: If a section cannot be read, or the secret of a route.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._windows = workspace, windows_of(workspace)
        self._routes = routes_of(workspace)
        for route in self._routes:
            # Now, and not first when there is something to tell.
            route.secret(workspace.root)
        self._folder = workspace.root / FOLDER
        self._ways: list[_Way] = []
        self._lock = -1

    @property
    def routes(self) -> tuple[AlertRoute, ...]:
        """Where alerts go."""
        return self._routes

    def send(self, now: datetime | None = None) -> Sent:
        """Look for findings that were not sent, and send them; nothing is done while another process does.

        Raises:
            InputError: If the state cannot be read or written.
        """
        if not self._routes or not self._is_mine():
            return Sent()
        moment = now or datetime.now(UTC)
        sent = silenced = 0
        failures: list[CaponierError] = []
        with open_store(self._workspace.store) as store:
            for way in self._ways:
                before = way.state.sent, way.state.silenced
                try:
                    self._gather(way, store, moment)
                    self._deliver(way, store)
                except CaponierError as failed:
                    if isinstance(failed, UnwantedError):
                        _put_last(way)
                    way.failed += 1
                    way.again = monotonic() + min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** (way.failed - 1))
                    failures.append(failed)
                self._forget(way, moment)
                sent += way.state.sent - before[0]
                silenced += way.state.silenced - before[1]
        return Sent(sent, silenced, sum(len(way.state.waiting) for way in self._ways), tuple(failures))

    def close(self) -> None:
        """Let another process send."""
        if self._lock >= 0:
            os.close(self._lock)
        self._lock, self._ways = -1, []

    def _is_mine(self) -> bool:
        if self._lock >= 0:
            return True
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as failed:
            raise InputError(f"{_UNKEPT}: {failed.strerror}", where=str(self._folder)) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        try:
            self._ways = [self._way(route) for route in self._routes]
        except BaseException:
            # Or the next look would find the lock its own, and no way to send anything.
            os.close(lock)
            raise
        self._lock = lock
        return True

    def _way(self, route: AlertRoute) -> _Way:
        file = self._folder / f"{route.name}.json"
        if not file.exists():
            # What was found before there was a route is no news; what is looked for begins with the present.
            way = _Way(route, file, _State(datetime.now(UTC) + OVERLAP))
            way.save()
            return way
        try:
            return _Way(route, file, _State.from_json(file.read_bytes()))
        except OSError as failed:
            raise InputError(f"{_UNKEPT}: {failed.strerror}", where=str(file)) from None
        except (ValueError, KeyError, TypeError):
            hint = "Delete it: then only what is found from now on is sent"
            raise InputError("this is not the state of a route", where=str(file), hint=hint) from None

    def _gather(self, way: _Way, store: Store, now: datetime) -> None:
        """Have wait what was recorded since the last look and goes this way."""
        while True:
            with store.read() as connection:
                known = {*way.state.settled, *way.state.waiting}
                new = findings.recorded(connection, way.state.since - OVERLAP, known, MOST_AT_ONCE)
            for at, finding in new:
                self._settle_or_wait(way, at, finding, now)
            if new:
                way.save()
            if len(new) < MOST_AT_ONCE:
                return

    def _settle_or_wait(self, way: _Way, at: datetime, finding: Finding, now: datetime) -> None:
        # Whose clock is ahead must not have what others record meanwhile taken for settled.
        way.state.since = max(way.state.since, min(at, now))
        silent = any(window.silences(finding) for window in self._windows)
        if way.route.takes(finding) and not silent:
            way.state.waiting[finding.finding_id] = rfc3339(at)
            return
        way.state.silenced += silent and way.route.takes(finding)
        way.state.settled[finding.finding_id] = rfc3339(at)

    def _deliver(self, way: _Way, store: Store) -> None:
        if not way.state.waiting or monotonic() < way.again:
            return
        if monotonic() - way.minute >= 60:
            way.minute, way.left = monotonic(), way.route.per_minute
        with store.read() as connection:
            ids = list(way.state.waiting)[: way.left]
            found = [finding for id_ in ids if (finding := findings.get(connection, id_)) is not None]
        gone = set(ids) - {finding.finding_id for finding in found}
        for id_ in gone:
            del way.state.waiting[id_]
        if found:
            deliver(way.route, found, self._workspace.root, self._workspace.name, lambda one: _arrived(way, one))
        way.failed = 0

    def _forget(self, way: _Way, now: datetime) -> None:
        """Forget what cannot be met again."""
        until = rfc3339(way.state.since - 2 * OVERLAP)
        old = [id_ for id_, at in way.state.settled.items() if at < until]
        for id_ in old:
            del way.state.settled[id_]
        if old:
            way.save()


def _put_last(way: _Way) -> None:
    """Let others go before the alert that was not wanted: it must not stand in their way for ever."""
    first = next(iter(way.state.waiting))
    way.state.waiting[first] = way.state.waiting.pop(first)
    way.save()


def _arrived(way: _Way, finding: Finding) -> None:
    way.state.settled[finding.finding_id] = way.state.waiting.pop(finding.finding_id)
    way.state.sent += 1
    way.left -= 1
    way.save()
