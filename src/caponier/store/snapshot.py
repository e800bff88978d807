"""One state of a store as a file of its own, whoever writes meanwhile."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from caponier.errors import CaponierError


def database_file(url: str) -> Path | None:
    """Return the file of a store in SQLite; None for one that a server keeps."""
    parsed = make_url(url)
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None


def snapshot(url: str, target: Path) -> None:
    """Copy a store in SQLite to a file.

    Args:
        url: Of the store; its tables are there.
        target: A file that is empty or not there.

    Raises:
        CaponierError: If it cannot be read.
    """
    source = database_file(url)
    if source is None:
        raise CaponierError("only a store in SQLite is copied", hint="Use pg_dump")
    try:
        with closing(sqlite3.connect(source)) as whole, closing(sqlite3.connect(target)) as copy:
            whole.backup(copy)
            # Without the mode that needs two more files beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as failed:
        raise CaponierError(f"the store cannot be copied: {failed}", where=str(source)) from failed
