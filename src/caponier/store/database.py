"""Open the database of a workspace, and read and write it in transactions."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from caponier.errors import CaponierError, InputError
from caponier.extras import needs
from caponier.formats.closing import Closing
from caponier.store import schema

_BUSY_SECONDS: Final = 30.0
"""How long a writer waits for another one; each transaction here takes milliseconds."""


class Store(Closing):
    """An open database with the current tables. Close it, or use it as a context manager.

    Safe to share between threads; every process opens its own.
    """

    def __init__(self, engine: Engine, where: str) -> None:
        self.where = where
        """The URL without its password, for messages."""
        # PostgreSQL would show a reader each statement's own state; SQLite in WAL mode shows one state anyway.
        steady = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
        self._readers = engine.execution_options(**steady)
        self._writers = engine.execution_options(caponier_writes=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the database, whatever others write meanwhile."""
        with self._answering(), self._readers.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that commits on leaving the block, and rolls back if the block raises."""
        with self._answering(), self._writers.begin() as connection:
            yield connection

    def close(self) -> None:
        """Give back every connection."""
        self._readers.dispose()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as failed:
            raise CaponierError(
                f"the store does not answer: {failed.orig}",
                where=self.where,
                hint="Check that its disk has room, that its server runs, and that no other program holds it locked.",
            ) from failed


def open_store(url: str) -> Store:
    """Open the store at a database URL, and create or upgrade its tables.

    Args:
        url: `sqlite:///file.db`, or `postgresql://user:password@host/database` with the extra `postgres`.

    Raises:
        InputError: If there is no such database, or it is newer than this program or not a store.
        MissingExtraError: If the URL is PostgreSQL's and its driver is not installed.
    """
    parsed = _parsed(url)
    where = parsed.render_as_string(hide_password=True)
    store = Store(_engine(parsed, where), where)
    try:
        schema.upgrade(store, where)
    except DBAPIError as failed:
        store.close()
        raise InputError(f"this is not a database that Caponier can use: {failed.orig}", where=where) from failed
    except CaponierError:
        store.close()
        raise
    return store


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The text is not repeated: it may hold a password.
        raise InputError("the store is not a database URL", hint="Write it as sqlite:///caponier.db") from None
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise InputError(
            f"a store in {backend} is not supported", hint="Use SQLite (sqlite:///caponier.db) or PostgreSQL."
        )
    if parsed.database in (None, "", ":memory:"):
        raise InputError("a store in memory would be lost at once", hint="Name a file: sqlite:///caponier.db")
    return parsed.set(drivername="sqlite")


def _engine(url: URL, where: str) -> Engine:
    if url.get_backend_name() == "postgresql":
        with needs("postgres", "A store in PostgreSQL"):
            return create_engine(url, pool_pre_ping=True)
    _make_file(Path(str(url.database)), where)
    # No pool: opening a file is cheap, and a connection that is not kept cannot be inherited by a forked process.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_file(path: Path, where: str) -> None:
    # SQLite would create the file readable for everybody; findings name callers, hosts and accounts.
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    except OSError as failed:
        raise InputError(
            f"the store cannot be created: {failed.strerror}",
            where=where,
            hint="Run caponier init in its folder.",
        ) from failed


def _configure_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    # The driver must not open transactions of its own: `_begin_sqlite` does, and says for what.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    _use_wal(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    # The mode is kept in the file, and SQLite does not wait for the lock that a change needs: so once, and patiently.
    deadline = time.monotonic() + _BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return  # A file system without shared memory stays in the old mode, which is slower but as safe.


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the write lock at once. A deferred transaction that reads first and writes later would fail,
    # not wait, if somebody wrote in between.
    writes = connection.get_execution_options().get("caponier_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
