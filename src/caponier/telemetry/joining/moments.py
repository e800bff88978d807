"""Halves of requests without an id in common, joined by when they were.

A gateway's log says who asked at a moment, and a service's what was asked at that moment. They are one request only
where nobody else asked near it: one record of the gateway within the window of the request, and one request within
the window of that record. In busy traffic little is joined so, and what is not joined stays nobody's: an event that is
given to a wrong caller would accuse him.
"""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from caponier.formats.scratch_database import opened
from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry.joining.halves import ASKED, there
from caponier.telemetry.joining.whether import CALLERS

if TYPE_CHECKING:
    from sqlite3 import Connection

WINDOW: Final = 1_500_000
"""Microseconds: access logs write whole seconds, and when they answered."""
BROUGHT: Final = ("principal", "session", "source_ip", "user_agent", "status", "latency_ms")
_ASKING: Final = ("predict", "explain")
_NOTHING: Final = np.zeros(0, np.int64)


class Moments:
    """Requests and callers by when they were; records wait on disk, and their times in memory."""

    def __init__(self) -> None:
        self._asked: list[NDArray[np.int64]] = []
        self._said: list[NDArray[np.int64]] = []
        self._database: Connection | None = None
        self._paired, self._record = _NOTHING, _NOTHING
        """Times of the requests that are joined, in order; and the number of the record of each."""
        self._is_used: NDArray[np.bool_] = np.zeros(0, bool)
        self._read = 0
        """Records of callers that were read again."""
        self.joined = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._database is not None:
            self._database.close()

    def gather(self, batch: pa.RecordBatch) -> None:
        """Note when something was asked in a batch of events, and who asked something."""
        asks, says = _halves(batch)
        times = _micros(batch)
        self._asked.append(np.unique(times[asks]))
        self._said.append(times[says])
        rows = batch.select(list(BROUGHT)).filter(pa.array(says)).to_pylist()
        kept = [(orjson.dumps({name: one for name, one in row.items() if one is not None}),) for row in rows]
        self._opened().executemany("insert into said (body) values (?)", kept)

    def settle(self) -> float:
        """Pair what can be paired; return the share of the requests that has a caller now."""
        asked = np.unique(np.concatenate([_NOTHING, *self._asked]))
        said = np.concatenate([_NOTHING, *self._said])
        self._asked, self._said = [], []
        self._is_used = np.zeros(len(said), bool)
        if not len(asked) or not len(said):
            return 0.0
        order = np.argsort(said, kind="stable")
        ranked = said[order]
        first = np.searchsorted(ranked, asked - WINDOW)
        alone = np.searchsorted(ranked, asked + WINDOW, "right") - first == 1
        near = ranked[np.minimum(first, len(ranked) - 1)]
        alone &= np.searchsorted(asked, near + WINDOW, "right") - np.searchsorted(asked, near - WINDOW) == 1
        self._paired, self._record = asked[alone], order[first[alone]]
        self._is_used[self._record] = True
        return float(alone.mean())

    def complete(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Give the events of a batch their callers, and leave away what was joined to a request.

        Args:
            batch: The same batches as were gathered, in the same order.
        """
        asks, says = _halves(batch)
        places = np.flatnonzero(says)
        kept = np.ones(batch.num_rows, bool)
        kept[places] = ~self._is_used[self._read : self._read + len(places)]
        self._read += len(places)
        times = _micros(batch)
        at = np.minimum(np.searchsorted(self._paired, times), max(0, len(self._paired) - 1))
        found = asks & (self._paired[at] == times) if len(self._paired) else np.zeros(batch.num_rows, bool)
        columns = {name: batch.column(name).to_pylist() for name in BROUGHT}
        for place in np.flatnonzero(found).tolist():
            for name, value in self._body(int(self._record[at[place]])).items():
                columns[name][place] = value if columns[name][place] is None else columns[name][place]
        self.joined += int(found.sum())
        made = batch
        for name in BROUGHT if found.any() else ():
            field = EVENT_SCHEMA.field(name)
            made = made.set_column(EVENT_SCHEMA.get_field_index(name), field, pa.array(columns[name], field.type))
        return made if kept.all() else made.filter(pa.array(kept))

    def _body(self, record: int) -> dict[str, Any]:
        (body,) = self._opened().execute("select body from said where rowid = ?", (record + 1,)).fetchone()
        held: dict[str, Any] = orjson.loads(body)
        return held

    def _opened(self) -> "Connection":
        if self._database is None:
            self._database = opened(["create table said (body blob)"])
        return self._database


def _halves(batch: pa.RecordBatch) -> tuple[Any, Any]:
    """Tell which events were asked by nobody, and which say who asked for something, as (n,) masks."""
    asks, named = there(batch, ASKED), there(batch, CALLERS)
    operations = np.isin(np.array(batch.column("operation").to_pylist(), object), _ASKING)
    return asks & ~named, named & ~asks & operations


def _micros(batch: pa.RecordBatch) -> Any:
    return batch.column("time").cast(pa.int64()).to_numpy(zero_copy_only=False)
