"""Matched events on disk, in order of time: memory stays flat however many rules match however large a log.

The database is SQLite's own temporary file, which nobody else can open and which goes when it is closed.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import orjson

from caponier.detect.assets.scope import Asset
from caponier.detect.log import LogHit
from caponier.telemetry.security_logs.fields import Fields

_CACHE: Final = 32 * 2**10
"""KiB of the database that are kept in memory."""


@dataclass(frozen=True, slots=True)
class Matched:
    """A matched event: which rules, and the fields that correlations need of it."""

    hit: LogHit
    rules: tuple[str, ...]
    fields: Fields


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


def _row(matched: Matched) -> tuple[int, str, bytes]:
    hit = matched.hit
    assets = [tuple(asset) for asset in hit.assets]
    plain = [hit.account, hit.host, hit.address, assets, hit.file, hit.line, hit.target, matched.rules, matched.fields]
    return hit.time, hit.event_id, orjson.dumps(plain)


def _matched(time: int, id_: str, document: bytes) -> Matched:
    account, host, address, assets, file, line, target, rules, fields = _plain(document)
    hit = LogHit(time, id_, account, host, address, tuple(Asset(*asset) for asset in assets), file, line, target)
    return Matched(hit, tuple(rules), fields)


def _plain(document: bytes) -> list[Any]:
    read: list[Any] = orjson.loads(document)
    return read
