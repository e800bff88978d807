"""Take a caller's name out of every record but the audit log: what happened stays, and to whom does not."""

import re
from typing import Any

from sqlalchemy import JSON, Connection, Table, Text, select, update

from caponier.store.tables import audit, audit_head, metadata

_KEPT = (audit, audit_head)
"""A chain of hashes: a row that changed would break it. No name of a caller's stands there but in what people wrote."""


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
