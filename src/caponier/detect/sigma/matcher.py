"""Runs compiled single-event rules over a batch of events, in SQLite in memory.

There is a table for each log source that rules ask for, with the columns that those rules name and no others: what an
event carries beyond them costs nothing.
"""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from caponier.detect.assets.inside import Inside
from caponier.detect.sigma.needed_values import Needs, Prefilter
from caponier.detect.sigma.searched_rows import Derive, SearchedRows
from caponier.telemetry.security_logs.act import act
from caponier.telemetry.security_logs.events import LogEvent
from caponier.telemetry.security_logs.fields import Scalar
from caponier.telemetry.security_logs.identity import EventIdentity, identity
from caponier.telemetry.security_logs.sources import LogSource, stands_for

NUMBER: Final = "caponier_n"
TEXT: Final = "caponier_text"
"""Column with all values of an event, for rules that look for words anywhere."""
ORIGIN: Final = "caponier.origin"
ACT: Final = "caponier.act"
DERIVED: Final = ("caponier.account", "caponier.host", "caponier.address", ORIGIN, "caponier.routine", ACT)
"""Fields that every event has by way of `identity`, so that a rule can join different products."""
MOST_COLUMNS: Final = 1_000
_STATEMENTS: Final = 2_000
_ORIGINS: Final = 10_000

NUMERIC: Final = "NUMERIC"
"""Type of the columns whose values rules compare by size."""
_NUMBER: Final = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)

Regex = Callable[[str], Callable[[str], Any]]


@dataclass
class Table:
    """The events of one log source, and the rules over them."""

    name: str
    origin: LogSource
    columns: dict[str, str] = field(default_factory=dict)
    """Name in lower case to SQLite type."""
    queries: list[tuple[str, str]] = field(default_factory=list)
    """(rule, statement that yields the numbers of matching events)."""
    keyed: bool = False
    """Whether every rule in it needs certain values, so that events without them need not be asked about."""
    needs: dict[str, Needs] = field(default_factory=dict)
    """Those values, by rule."""

    def takes(self, origin: LogSource) -> bool:
        """Tell whether the rules of this table ask for events of a log source."""
        product, category, service = self.origin
        return (
            (product is None or product == origin.product)
            and (category is None or stands_for(category, origin))
            and (service is None or service == origin.service)
        )

    @property
    def definition(self) -> str:
        """The statement that creates the table."""
        columns = ", ".join(f"{quoted(name)} {kind} COLLATE NOCASE" for name, kind in self.columns.items())
        return f"CREATE TABLE {self.name} ({NUMBER} INTEGER PRIMARY KEY{', ' + columns if columns else ''})"


class Matcher:
    """Tables with rules, ready to be filled again and again.

    Args:
        tables: Tables and rules.
        regex: Compiles a pattern of a rule to its search function; one that takes linear time.
        inside: Tells where events come from.
    """

    def __init__(self, tables: Sequence[Table], regex: Regex, inside: Inside | None = None) -> None:
        self._inside = inside or Inside()
        self._database = connect(regex)
        self._tables = tables
        for table in tables:
            self._database.execute(table.definition)
        self._inserts = [
            f"INSERT INTO {table.name} VALUES ({', '.join('?' * (len(table.columns) + 1))})"  # noqa: S608 - own names
            for table in tables
        ]
        self._sought: dict[str, Derive] = {ACT: act, ORIGIN: self._inside.origin}
        self._prefilters = [Prefilter(table.needs, self._sought) if table.keyed else None for table in tables]
        self._tables_for = lru_cache(_ORIGINS)(self._find_tables)

    def match(self, events: Sequence[LogEvent]) -> dict[int, list[str]]:
        """Return the rules that match, by position of the event; a rule is there once."""
        of_origin: dict[LogSource, list[int]] = defaultdict(list)
        for position, event in enumerate(events):
            of_origin[event.origin].append(position)
        taken: dict[int, list[list[int]]] = defaultdict(list)
        for origin, positions in of_origin.items():
            for index in self._tables_for(origin):
                taken[index].append(positions)
        found: dict[int, list[str]] = {}
        # Tables that take the same events look for their texts in the same columns.
        searched: dict[tuple[int, ...], SearchedRows] = {}
        for index in sorted(taken):
            rows = tuple(sorted(chain.from_iterable(taken[index])))
            if rows not in searched:
                searched[rows] = SearchedRows([events[at].fields for at in rows], self._sought)
            self._match_table(index, events, rows, searched[rows], found)
        return found

    def _match_table(
        self,
        index: int,
        events: Sequence[LogEvent],
        positions: Sequence[int],
        searched: SearchedRows,
        found: dict[int, list[str]],
    ) -> None:
        table, prefilter = self._tables[index], self._prefilters[index]
        asked: dict[str, set[int]] | None = None
        if prefilter is not None:
            asked = prefilter.candidates(searched)
            if not asked:
                return
            positions = [positions[row] for row in sorted(set().union(*asked.values()))]
        names = list(table.columns)
        execute = self._database.execute
        execute("BEGIN")
        by_size = [place for place, kind in enumerate(table.columns.values(), 1) if kind == NUMERIC]
        rows = ((position, *self.row(events[position], names)) for position in positions)
        self._database.executemany(self._inserts[index], (_sized(one, by_size) for one in rows) if by_size else rows)
        for rule, query in table.queries:
            if asked is not None and rule not in asked:
                continue
            for (position,) in execute(query):
                matched = found.setdefault(position, [])
                if rule not in matched:
                    matched.append(rule)
        execute(f"DELETE FROM {table.name}")  # noqa: S608 - own name
        execute("COMMIT")

    def row(self, event: LogEvent, names: Sequence[str], who: EventIdentity | None = None) -> list[Scalar | None]:
        """Return the values of the named fields; the derived ones are worked out where they are asked for."""
        get = event.fields.get
        return [self._derived(event, name, who) if name in _SPECIAL else get(name) for name in names]

    def _derived(self, event: LogEvent, name: str, who: EventIdentity | None) -> Scalar | None:
        if name == TEXT:
            return "\n".join(map(str, event.fields.values()))
        if name == ORIGIN:
            return self._inside.origin(event.fields)
        if name == ACT:
            return act(event.fields)
        if name == "caponier.routine":
            # So that a rule can leave it out by whether it is there.
            return "true" if self._inside.routine(event) else None
        known: Scalar | None = getattr(who or identity(event.fields), name.removeprefix("caponier."))
        return known

    def _find_tables(self, origin: LogSource) -> tuple[int, ...]:
        return tuple(index for index, table in enumerate(self._tables) if table.takes(origin))

    def close(self) -> None:
        """Free the memory."""
        self._database.close()


def connect(regex: Regex) -> sqlite3.Connection:
    """Open a database in memory that knows regular expressions."""
    database = sqlite3.connect(":memory:", isolation_level=None, cached_statements=_STATEMENTS)
    compiled = lru_cache(_STATEMENTS)(regex)

    def matches(pattern: str, value: Scalar | None) -> bool:
        return value is not None and bool(compiled(pattern)(str(value)))

    database.create_function("REGEXP", 2, matches, deterministic=True)
    return database


def _sized(values: tuple[Scalar | None, ...], by_size: Sequence[int]) -> list[Scalar | None]:
    """Leave out what is no number where rules compare by size: to SQLite any text is more than any number."""
    return [None if place in by_size and not _is_number(value) else value for place, value in enumerate(values)]


def _is_number(value: Scalar | None) -> bool:
    return not isinstance(value, str) or _NUMBER.fullmatch(value) is not None


def quoted(name: str) -> str:
    """Write a name so that SQLite never takes it for anything else."""
    return "`" + name.replace("`", "``") + "`"


_SPECIAL: Final = frozenset([TEXT, *DERIVED])
