"""Matched events on disk, in order of time: memory stays flat however many rules match however large a log.

The database is SQLite's own temporary file, which nobody else can open and which goes when it is closed.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import orjson

from caponier.detect.assets.scope import Asset
from caponier.detect.log import LogHit, Waiting
from caponier.telemetry.security_logs.fields import Fields

_OLDER: Final = 2
"""Facts beside the fields that an earlier version wrote."""
_CACHE: Final = 16 * 2**10
"""KiB of the database that are kept in memory."""


class Matched(NamedTuple):
    """A matched event: which rules, and the fields that correlations need of it."""

    hit: LogHit
    rules: tuple[str, ...]
    fields: Fields
    usual: tuple[str, ...] = ()
    """The rules that leave it out because it is routine."""


class Hits:
    """Matched events, each once: a line that was shipped twice is one event."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(f"PRAGMA cache_size = -{_CACHE}")
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE hits (time INTEGER, id TEXT, document BLOB, PRIMARY KEY (time, id)) WITHOUT ROWID"
        )
        self.repeated = 0

    def add(self, matched: Sequence[Matched]) -> None:
        """Keep matched events; those that are there already only count as repeated."""
        before = self._database.total_changes
        self._database.execute("BEGIN")
        self._database.executemany("INSERT OR IGNORE INTO hits VALUES (?, ?, ?)", map(_row, matched))
        self._database.execute("COMMIT")
        self.repeated += len(matched) - (self._database.total_changes - before)

    def resume(self, waiting: Iterable[Waiting]) -> frozenset[str]:
        """Take events of an earlier run; return the ids of those that are not in this one by themselves."""
        fresh = [row for row in waiting if not self._holds(row)]
        rows = [(row.time, row.event_id, orjson.dumps(row.document)) for row in fresh]
        self._database.executemany("INSERT OR IGNORE INTO hits VALUES (?, ?, ?)", rows)
        return frozenset(row.event_id for row in fresh)

    def _holds(self, row: Waiting) -> bool:
        asked = self._database.execute("SELECT 1 FROM hits WHERE time = ? AND id = ?", (row.time, row.event_id))
        return asked.fetchone() is not None

    def moments(self, before: int | None) -> Iterator[tuple[int, list[Matched]]]:
        """Yield the events of each moment in order, those of one moment in order of their ids, and drop them."""
        where, values = ("", ()) if before is None else (" WHERE time < ?", (before,))
        rows = self._database.execute(f"SELECT time, id, document FROM hits{where} ORDER BY time, id", values)  # noqa: S608 - no outside text
        for time, group in groupby(rows, key=lambda row: row[0]):
            yield time, [_matched(*row) for row in group]
        self._database.execute(f"DELETE FROM hits{where}", values)  # noqa: S608 - no outside text

    def close(self) -> None:
        """Drop everything."""
        self._database.close()


def waiting_of(matched: Matched) -> Waiting:
    """Return a matched event in a form that a store can keep."""
    hit = matched.hit
    return Waiting(hit.time, hit.event_id, _document(matched))


def _row(matched: Matched) -> tuple[int, str, bytes]:
    hit = matched.hit
    return hit.time, hit.event_id, orjson.dumps(_document(matched))


def _document(matched: Matched) -> list[Any]:
    """Return all that a row says beside time and id, as JSON has it."""
    (_, _, account, host, address, assets, *place, port, keys), rules, fields, usual = matched
    touched = [list(asset) for asset in assets]
    return [account, host, address, touched, *place, list(rules), fields, port, list(keys), list(usual)]


def _matched(time: int, id_: str, document: bytes) -> Matched:
    # What an earlier version has left for this one knows no port and no keys.
    account, host, address, assets, file, line, target, outside, rules, fields, *more = _plain(document)
    touched = tuple(Asset(*asset) for asset in assets)
    port, keys = (more[0], tuple(more[1])) if more else (None, ())
    hit = LogHit(time, id_, account, host, address, touched, file, line, target, outside, port, keys)
    return Matched(hit, tuple(rules), fields, tuple(more[2]) if len(more) > _OLDER else ())


def _plain(document: bytes) -> list[Any]:
    read: list[Any] = orjson.loads(document)
    return read
