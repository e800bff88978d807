"""Bring a database to the schema of this program, or refuse one that is newer or somebody else's."""

import threading
from contextlib import AbstractContextManager
from typing import Final, Protocol

from sqlalchemy import Connection, Text, column, inspect, select, table, text

from caponier.errors import InputError
from caponier.store.tables import metadata

CURRENT: Final = "0007"
"""Newest migration in `migrations/versions`; a constant, so that opening a current store does not import Alembic."""

VERSION_TABLE: Final = "caponier_schema"

_LOCK_KEY: Final = 0x0CA9021E
"""Any number that no other program locks by: PostgreSQL's advisory locks have one name space a database."""

# Alembic's `context` and `op` are process-wide: two threads that migrate at once would run on each other's connection.
_one_at_a_time: Final = threading.Lock()


class Database(Protocol):
    """What this module needs of an open database."""

    def read(self) -> AbstractContextManager[Connection]:
        """Open a transaction that sees one state of the database."""

    def write(self) -> AbstractContextManager[Connection]:
        """Open a transaction that commits on leaving, or rolls back on an error."""


def upgrade(database: Database, where: str) -> None:
    """Create or upgrade the tables; do nothing if they are current. Safe while other processes do the same.

    Args:
        database: The open database.
        where: What to call it in messages, without a password.

    Raises:
        InputError: If the database was written by a newer program, or holds somebody else's tables.
    """
    with database.read() as connection:
        if _version(connection, where) == CURRENT:
            return
    with _one_at_a_time, database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        # Asked again, now that nobody else can be migrating: another process may just have finished.
        if _version(connection, where) != CURRENT:
            _migrate(connection)


def _version(connection: Connection, where: str) -> str | None:
    present = inspect(connection)
    if not present.has_table(VERSION_TABLE):
        for name in metadata.tables:
            if present.has_table(name):
                raise InputError(
                    f"the database has a table {name!r} that Caponier did not make",
                    where=where,
                    hint="Give Caponier a database, or a PostgreSQL schema, of its own.",
                )
        return None
    number = column("version_num", Text())
    found = connection.execute(select(number).select_from(table(VERSION_TABLE, number))).scalar_one_or_none()
    _refuse_newer(found, where)
    return found


def _refuse_newer(found: str | None, where: str) -> None:
    if found is not None and found > CURRENT:
        raise InputError(
            f"the store was written by a newer Caponier: its schema is {found}, this program knows {CURRENT}",
            where=where,
            hint="Upgrade Caponier on this machine (pip install --upgrade caponier), or use another store.",
        )


def _migrate(connection: Connection) -> None:
    # Imported here: Alembic takes longer to load than a current store takes to open.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "caponier.store:migrations")
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    command.upgrade(config, "head")
