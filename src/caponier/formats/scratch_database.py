"""A database of one run, for what a reader must find again: on disk where memory is short, and then gone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import Connection


def opened(tables: Sequence[str]) -> "Connection":
    """Open one that nobody else sees, and begin its only transaction.

    Args:
        tables: SQL that makes them.
    """
    # Most logs need none, and need not wait for its import.
    import sqlite3

    database = sqlite3.connect("", isolation_level=None)
    for step in ("pragma journal_mode = off", "pragma synchronous = off", *tables, "begin"):
        database.execute(step)
    return database
