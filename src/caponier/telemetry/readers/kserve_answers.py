"""Responses of KServe logs, gathered from whole files before their requests are read.

A collector writes files by id, by kind, or as they come, so that a response may stand anywhere: far behind its request,
before it, or in another file. What is there as a whole is joined as a whole; the responses wait on disk.
"""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import orjson

from caponier.errors import InputError
from caponier.formats.scratch_database import opened
from caponier.telemetry.chunk import Chunk
from caponier.telemetry.readers.cloud_event import BAD, RESPONSE, attributes, body_of, is_cloud_event, short

if TYPE_CHECKING:
    from sqlite3 import Connection

_TABLE: Final = (
    "create table answer (place integer primary key, key text, source text, line integer, body blob, taken integer,"
    " reason text)",
    "create index by_key on answer (key, place) where taken = 0",
)


class GatheredAnswer(NamedTuple):
    """A response."""

    place: int
    """In the order in which they were gathered."""
    line: int
    body: bytes
    """JSON."""


class KServeAnswers:
    """Responses by the id of their request, in a database that SQLite keeps in a file without a name."""

    def __init__(self) -> None:
        self._database: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._database is not None:
            self._database.close()

    def gather(self, source: str, read: Callable[[], Iterator[Chunk]], *, always: bool) -> bool:
        """Keep the responses of a file.

        Args:
            source: What the file is called.
            read: Reads it; only its first rows, where these tell that it is another log.
            always: Whether it is a log of KServe whatever its first row says.

        Returns:
            Whether it is one. What is wrong with its rows is told when they are read again.
        """
        known = always
        try:
            for chunk in read():
                if chunk.rows and not known:
                    if not is_cloud_event(chunk.rows[0]):
                        return False
                    known = True
                self._keep(source, chunk)
        except InputError:
            return False
        return known

    def take(self, key: str) -> GatheredAnswer | None:
        """Return the first response to an id that was not taken yet."""
        if self._database is None:
            return None
        asked = "select place, line, body from answer where key = ? and taken = 0 order by place limit 1"
        found = self._database.execute(asked, (key,)).fetchone()
        if found is None:
            return None
        self._database.execute("update answer set taken = 1, body = null where place = ?", found[:1])
        return GatheredAnswer(*found)

    def refuse(self, place: int, reason: str) -> None:
        """Note what is wrong with a response that was taken; it is told where the response stands."""
        if self._database is not None:
            self._database.execute("update answer set reason = ? where place = ?", (reason, place))

    def unused(self) -> Iterator[tuple[str, int, str | None]]:
        """Yield source and line of every response that was of no use, and why; None where it was not taken."""
        if self._database is not None:
            unused = "select source, line, reason from answer where taken = 0 or reason is not null order by place"
            yield from self._database.execute(unused)

    def _keep(self, source: str, chunk: Chunk) -> None:
        kept: list[tuple[str, str, int, bytes]] = []
        for record, line in zip(chunk.rows, chunk.lines, strict=True):
            try:
                about = attributes(record)
                if about.get("type") == RESPONSE:
                    kept.append((short(str(about["id"])), source, line, orjson.dumps(body_of(record))))
            except BAD:
                continue
        if kept:
            insert = "insert into answer (key, source, line, body, taken) values (?, ?, ?, ?, 0)"
            self._opened().executemany(insert, kept)

    def _opened(self) -> "Connection":
        if self._database is None:
            self._database = opened(_TABLE)
        return self._database
