"""Take a caller's name out of every record but the audit log: what happened stays, and to whom does not."""

import re
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import JSON, Connection, Table, Text, select, update

from caponier.store.tables import audit, audit_head, findings, incidents, metadata, remediations, response_actions

_KEPT = (audit, audit_head)
"""A chain of hashes: a row that changed would break it. No name of a caller's stands there but in what people wrote."""

_RECORDS: Final = (findings, incidents, response_actions, remediations)
_NAMES: Final = frozenset({"subject_id", "id", "sender", "actors"})
"""Columns, and keys of a record, under which callers' names stand."""
_FACTS: Final = "facts"
"""What stands there is told of callers, under whatever keys."""


def is_word(connection: Connection, name: str) -> bool:
    """Tell whether a name is a word of the store itself, such as a severity, so that nobody can tell the two apart.

    Args:
        connection: From `Store.write`.
        name: Of a principal.
    """
    return any(
        name in _words(dict(row), "") for table in _RECORDS for row in connection.execute(select(table)).mappings()
    )


def _words(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, str) and key not in _NAMES:
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _words(one, key)
    elif isinstance(value, dict) and key != _FACTS:
        yield from value
        for inner, one in value.items():
            yield from _words(one, inner)


def rename(connection: Connection, name: str, token: str) -> int:
    """Put another name in a name's place, wherever it stands by itself; return how many rows that changed.

    Args:
        connection: From `Store.write`.
        name: Of a principal.
        token: What stands there from now on.
    """
    # A name within a longer one is another name.
    alone = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
    return sum(_in_table(connection, table, alone, token) for table in metadata.sorted_tables if table not in _KEPT)


def _in_table(connection: Connection, table: Table, alone: re.Pattern[str], token: str) -> int:
    texts = [column for column in table.columns if isinstance(column.type, Text | JSON)]
    keys, changed = list(table.primary_key.columns), 0
    for row in connection.execute(select(table)).mappings().all():
        new = {column.name: _renamed(row[column.name], alone, token) for column in texts}
        new = {key: value for key, value in new.items() if value != row[key]}
        if new:
            here = [key == row[key.name] for key in keys]
            connection.execute(update(table).where(*here).values(new))
            changed += 1
    return changed


def _renamed(value: Any, alone: re.Pattern[str], token: str) -> Any:
    if isinstance(value, str):
        return alone.sub(token, value)
    if isinstance(value, list):
        return [_renamed(one, alone, token) for one in value]
    if isinstance(value, dict):
        return {alone.sub(token, key): _renamed(one, alone, token) for key, one in value.items()}
    return value
