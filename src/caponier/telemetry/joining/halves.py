"""Records of one request that stand apart: what was asked here, who asked or what was answered there.

A gateway's access log knows the caller, a service's log the input, and a third the answer. They are joined by the
request's id, whatever order they come in. Records wait on disk.

An id is the client's own word, and need not be unique. So of several requests of one id each has the records that are
nearest in time, nothing is overwritten, and a record that contradicts a request stays an event of its own: nobody can
make another's event, or an event of his own, disappear.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import orjson
import pyarrow as pa

from caponier.formats.scratch_database import opened
from caponier.records.event import EVENT_SCHEMA

if TYPE_CHECKING:
    from sqlite3 import Connection

ASKED: Final = ("input", "input_raw")
"""What the half has that the other one is joined to."""
SAID: Final = (
    *("principal", "session", "source_ip", "user_agent", "label", "scores"),
    *("latency_ms", "cost", "status", "model_version", "system"),
)
"""What the other half may bring."""
TELLING: Final = ("principal", "source_ip", "label", "scores", "status")
"""One of these it has to bring."""
AGREEING: Final = ("principal", "source_ip", "label", "status")
"""Where both halves have one of these, it is the same in both; or they are not of one request."""
APART: Final = 15 * 60 * 1_000_000
"""Microseconds between the halves of one request at most: a log that counts its ids anew has the same ones on other
days."""
MOST_ALIKE: Final = 64
"""Requests of one id that are told apart by their times; whoever sends more of them has none joined."""
MOST_FLOODED: Final = 100_000
"""Ids of which it is remembered that they have too many records to be joined."""
MOST_EXAMPLES: Final = 1_024
"""Examples, and other records, of one id."""
RECENT: Final = 1_000
"""Ids whose requests are kept at hand; the examples of one stand near each other."""
ANSWERS: Final = frozenset(("label", "scores"))
_TABLE: Final = (
    "create table asked (key text, time integer, body blob)",
    "create table said (key text, time integer, body blob)",
)
_SELECTS: Final = (
    "select time, body from asked where key = ? order by time, rowid limit ?",
    "select time, body from said where key = ? order by time, rowid limit ?",
)
_TOLD: Final = "select count(distinct key) from asked where exists (select 1 from said where said.key = asked.key)"
_INDEXES: Final = (
    "create index asked_by_key on asked (key, time)",
    "create index said_by_key on said (key, time)",
)


@dataclass
class Halves:
    """The halves of a log's requests, in a database that SQLite keeps in a file without a name."""

    joined: int = 0
    """Events that were completed."""

    def __post_init__(self) -> None:
        self._database: Connection | None = None
        self._is_whole = False
        self._flooded: set[str] = set()
        self._recent: dict[str, _Requests] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._database is not None:
            self._database.close()

    def gather(self, batch: pa.RecordBatch) -> None:
        """Note which requests stand in a batch of events, and what stands of them elsewhere."""
        asks, says = kinds_of(batch)
        keys, times = batch.column("request_id").to_pylist(), _micros(batch)
        database = self._opened()
        for mask, insert in ((asks, "insert into asked values (?, ?, ?)"), (says, "insert into said values (?, ?, ?)")):
            places = np.flatnonzero(mask)
            rows = batch.select(list(SAID)).take(pa.array(places)).to_pylist() if places.size else []
            kept = [
                (keys[at], int(times[at]), orjson.dumps({name: one for name, one in row.items() if one is not None}))
                for at, row in zip(places.tolist(), rows, strict=True)
            ]
            database.executemany(insert, kept)

    def share(self) -> float:
        """Return of which share of the requests something is said elsewhere."""
        database = self._indexed()
        (of,) = database.execute("select count(distinct key) from asked").fetchone()
        (told,) = database.execute(_TOLD).fetchone()
        return float(told / of) if of else 0.0

    def complete(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Fill in what is known elsewhere of the requests in a batch, and leave away what was filled in."""
        asks, says = kinds_of(batch)
        keys, times = batch.column("request_id").to_pylist(), _micros(batch)
        columns = {name: batch.column(name).to_pylist() for name in SAID}
        filled: set[str] = set()
        kept = np.ones(batch.num_rows, bool)
        for at in np.flatnonzero(asks | says).tolist():
            known = self._known(keys[at])
            if says[at]:
                kept[at] = not known.is_joined(int(times[at]), _row(columns, at))
                continue
            brought = known.brought(int(times[at]))
            for name, value in brought.items():
                columns[name][at] = value
            filled |= brought.keys()
            self.joined += bool(brought)
        made = batch
        for name in filled:
            place, field = EVENT_SCHEMA.get_field_index(name), EVENT_SCHEMA.field(name)
            made = made.set_column(place, field, pa.array(columns[name], field.type))
        return made if kept.all() else made.filter(pa.array(kept))

    def _known(self, key: str) -> "_Requests":
        """Return the requests of an id."""
        if key in self._recent:
            return self._recent[key]
        if key in self._flooded:
            return _Requests([], [])
        database = self._indexed()
        asked, said = (database.execute(select, (key, MOST_EXAMPLES + 1)) for select in _SELECTS)
        questions, answers = asked.fetchall(), said.fetchall()
        if max(len(questions), len(answers)) > MOST_EXAMPLES and len(self._flooded) < MOST_FLOODED:
            # Not read again for each of its rows.
            self._flooded.add(key)
        known = _Requests(questions, answers)
        if len(self._recent) >= RECENT:
            del self._recent[next(iter(self._recent))]
        self._recent[key] = known
        return known

    def _indexed(self) -> "Connection":
        database = self._opened()
        if not self._is_whole:
            for step in _INDEXES:
                database.execute(step)
            self._is_whole = True
        return database

    def _opened(self) -> "Connection":
        if self._database is None:
            self._database = opened(_TABLE)
        return self._database


Row = dict[str, Any]


class _Requests:
    """The requests of one id, and which record belongs to which.

    Args:
        asked: Times and columns of the examples that were asked, by time.
        said: The same of the records that say something else.
    """

    def __init__(self, asked: list[tuple[int, bytes]], said: list[tuple[int, bytes]]) -> None:
        self._brought: dict[int, list[Row]] = {}
        """By the time of the request: what each of its examples gets."""
        self._joined: Counter[tuple[int, bytes]] = Counter()
        by_time: dict[int, list[Row]] = {}
        for time, body in asked:
            by_time.setdefault(time, []).append(orjson.loads(body))
        if not asked or len(by_time) > MOST_ALIKE or max(len(asked), len(said)) > MOST_EXAMPLES:
            return
        near: dict[int, list[tuple[int, bytes]]] = {}
        for time, body in said:
            nearest = min(by_time, key=lambda one: (abs(one - time), one))
            if abs(nearest - time) <= APART:
                near.setdefault(nearest, []).append((time, body))
        for time, records in near.items():
            self._join(time, by_time[time], records)

    def _join(self, time: int, examples: list[Row], records: list[tuple[int, bytes]]) -> None:
        brought: list[Row] = [{} for _ in examples]
        answers = [body for body in records if ANSWERS & orjson.loads(body[1]).keys()]
        one_each = len(answers) == len(examples)
        for record in records:
            row = orjson.loads(record[1])
            if record in answers and not one_each:
                # Whose answer it is cannot be told.
                continue
            places = [answers.index(record)] if record in answers else list(range(len(examples)))
            if record in answers:
                answers[places[0]] = (0, b"")
            gets = [{name: one for name, one in row.items() if name not in examples[at] | brought[at]} for at in places]
            if not all(gets) or not all(_agree(row, examples[at] | brought[at]) for at in places):
                continue
            for at, got in zip(places, gets, strict=True):
                brought[at] |= got
            self._joined[record] += 1
        self._brought[time] = brought

    def brought(self, time: int) -> Row:
        """Return what the next example of a request gets."""
        waiting = self._brought.get(time)
        return waiting.pop(0) if waiting else {}

    def is_joined(self, time: int, row: Row) -> bool:
        """Tell whether the next record that says so was joined to a request, and is told with it."""
        key = time, orjson.dumps({name: one for name, one in row.items() if one is not None})
        if self._joined[key] <= 0:
            return False
        # One that says the same once more, such as of a second try, stays an event.
        self._joined[key] -= 1
        return True


def kinds_of(batch: pa.RecordBatch) -> tuple[Any, Any]:
    """Tell which events of a batch say what was asked, and which say something else of a request.

    Returns:
        Two (n,) masks.
    """
    has_key = there(batch, ["request_id"])
    asks = there(batch, ASKED)
    return has_key & asks, has_key & ~asks & there(batch, TELLING)


def there(batch: pa.RecordBatch, names: Iterable[str]) -> Any:
    """Tell which events of a batch have one of some columns, as a (n,) mask."""
    found = np.zeros(batch.num_rows, bool)
    for name in names:
        found |= batch.column(name).is_valid().to_numpy(zero_copy_only=False)
    return found


def _agree(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one.get(name) is None or other.get(name) is None or one[name] == other[name] for name in AGREEING)


def _row(columns: dict[str, list[Any]], at: int) -> Row:
    return {name: values[at] for name, values in columns.items()}


def _micros(batch: pa.RecordBatch) -> Any:
    return batch.column("time").cast(pa.int64()).to_numpy(zero_copy_only=False)
