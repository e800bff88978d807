"""An empty store as the migrations make it, poured a second time: that takes a tenth of running them again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, event, inspect


@dataclass
class Mould:
    """Stands for what migrates a database, and repeats word for word what that did to an empty one in SQLite."""

    migrate: Callable[[Connection], None]
    _said: list[tuple[str, Any]] = field(default_factory=list)

    def __call__(self, connection: Connection) -> None:
        if connection.dialect.name != "sqlite" or inspect(connection).get_table_names():
            self.migrate(connection)
        elif self._said:
            for statement, values in self._said:
                connection.exec_driver_sql(statement, values)
        else:
            self._said = self._heard(connection)

    def _heard(self, connection: Connection) -> list[tuple[str, Any]]:
        said: list[tuple[str, Any]] = []

        def hear(_: object, __: object, statement: str, values: Any, *___: object) -> None:
            if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
                said.append((statement, values))

        event.listen(connection, "before_cursor_execute", hear)
        try:
            self.migrate(connection)
        finally:
            event.remove(connection, "before_cursor_execute", hear)
        return said
