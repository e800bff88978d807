"""A user's own log: shared out by callers, one part to learn from and one to scan with attackers planted among it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caponier.app.inference.load import feature_spec, load_events
from caponier.app.inference.plan import DetectionSettings, refuse_other_input
from caponier.app.inference.read_options import USUAL, ReadOptions
from caponier.app.progress import Progress
from caponier.engines.shares import EVERYBODY, Share
from caponier.engines.spool import ModelSummary, Spool, connected
from caponier.errors import InputError
from caponier.records.event import EVENT_SCHEMA
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.rejections import RejectedRows

LEARNED: Final = Share(3, 6, 0, 5)
"""Five sixths of the callers: what a baseline is built from if there is none. A baseline of few callers has other
thresholds than one of all of them, so that not many are kept from it."""
SCANNED: Final = Share(3, 6, 5, 6)
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "principal": ("principal",),
    "scores": ("scores",),
    "inputs": ("input", "input_shape", "input_raw", "input_digest"),
}
"""What a log can be imagined without, and the columns that go."""
ATTACKED: Final = ("image", "numeric")
ROWS: Final = 65_536
PACED, PACE_EVENTS = 300, 500
"""Callers whose pace is looked at, and events of each."""

_PART: Final = """
select {names} from events where model = ? and subject is not null and ({where}) order by time, source, seq
"""
_CALLERS: Final = """
select subject, count(*) from events where model = ? and subject is not null and ({where})
group by subject order by subject
"""
_EXAMPLES: Final = """
select input, label, scores from (
    select input, label, scores from events
    where model = ? and subject is not null and ({where}) and operation = 'predict' and len(input) = ?
) using sample reservoir({most} rows) repeatable (1)
"""
_VARIED: Final = """
select input from (select input from (
    select input, row_number() over (partition by subject order by hash(source, seq)) as turn from events
    where model = ? and subject is not null and ({where}) and operation = 'predict' and len(input) = ?
) where turn <= {each}) using sample reservoir({most} rows) repeatable (1)
"""
_PACES: Final = """
select list(time order by time) from (
    select subject, epoch_us(time) as time,
        row_number() over (partition by subject order by events.time, source, seq) as turn
    from events where model = ? and subject is not null
) where turn <= {events} group by subject having count(*) >= 20 order by hash(subject) limit {callers}
"""
_USUAL: Final = """
select * from (select {names} from events where model = ? and subject is not null)
using sample reservoir({most} rows) repeatable (1)
"""


@dataclass(frozen=True, eq=False)
class Examples:
    """Some of a log's predictions: inputs (n, d), labels, and scores (n, c) if they have as many each."""

    inputs: NDArray[np.float32]
    labels: list[str | None]
    scores: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class OwnLog:
    """What a log says of one model.

    Args:
        spool: All of the log's good events.
        summary: What it holds of the model.
        spec: What the model takes.
        scanned: Callers that are scanned.
    """

    spool: Spool
    summary: ModelSummary
    spec: FeatureSpec
    scanned: Share

    @property
    def size(self) -> int:
        """Numbers of one input."""
        return self.spec.size or 0

    def write(self, path: Path, share: Share, without: str | None = None) -> None:
        """Write the events of a share of the callers into a file of their own, in order of time.

        Args:
            path: The new file.
            share: Of the callers.
            without: What the copy is to lack, of `COLUMNS`.
        """
        gone = COLUMNS[without] if without else ()
        names = ", ".join(f"null as {name}" if name in gone else name for name in EVENT_SCHEMA.names)
        query = _PART.format(names=names, where=share.sql)
        with connected(self.spool) as connection, pq.ParquetWriter(path, EVENT_SCHEMA) as writer:
            for batch in connection.sql(query, params=[self.summary.model]).to_arrow_reader(ROWS):
                writer.write_batch(batch.cast(EVENT_SCHEMA))

    def callers(self, share: Share) -> list[tuple[str, int]]:
        """Return the callers of a share, by their kind and name, and how many events each has sent."""
        with connected(self.spool) as connection:
            return connection.sql(_CALLERS.format(where=share.sql), params=[self.summary.model]).fetchall()

    def examples(self, share: Share, most: int) -> Examples:
        """Draw at most so many predictions of a share of the callers.

        Where most have scores, those that have none are left out: requests that failed.
        """
        query = _EXAMPLES.format(where=share.sql, most=most)
        with connected(self.spool) as connection:
            table = _answered(_fetched(connection, query, [self.summary.model, self.size]))
        return Examples(_matrix(table["input"]), table["label"].to_pylist(), _scores(table["scores"]))

    def varied(self, share: Share, each: int, most: int) -> NDArray[np.float32]:
        """Draw inputs (n, d) of which few are any one caller's: what somebody might have who asks for the first time.

        Args:
            share: Of the callers.
            each: Most of one caller.
            most: Most altogether.
        """
        query = _VARIED.format(where=share.sql, each=each, most=most)
        with connected(self.spool) as connection:
            return _matrix(_fetched(connection, query, [self.summary.model, self.size])["input"])

    def paces(self) -> list[NDArray[np.int64]]:
        """Return how callers follow up their own events: the gaps in microseconds of some callers with 20 or more."""
        query = _PACES.format(events=PACE_EVENTS, callers=PACED)
        with connected(self.spool) as connection:
            rows = connection.sql(query, params=[self.summary.model]).fetchall()
        moments: list[NDArray[np.int64]] = [np.array(times, np.int64) for (times,) in rows]
        return [of_one[1:] - of_one[:-1] for of_one in moments]

    def usual(self, most: int) -> pa.Table:
        """Draw whole events, to take from them what an attacker's events would have in common with others'."""
        query = _USUAL.format(names=", ".join(EVENT_SCHEMA.names), most=most)
        with connected(self.spool) as connection:
            return _fetched(connection, query, [self.summary.model]).cast(EVENT_SCHEMA)


@dataclass(frozen=True)
class OwnLogReading:
    """How a log is to be read.

    Args:
        model: Name of the model that is meant; that of most events by default.
        spec: What it takes, where the inventory and its baseline do not say.
        options: What is said of it besides.
    """

    model: str | None = None
    spec: FeatureSpec | None = None
    options: ReadOptions = USUAL


def read_own_log(
    spool: Spool,
    paths: Sequence[Path],
    rejected: RejectedRows,
    watch: Progress,
    how: OwnLogReading,
    terms: DetectionSettings,
) -> tuple[OwnLog, list[str]]:
    """Read a log and choose the model in it.

    Args:
        spool: Takes the log.
        paths: Files, folders, or `-`.
        rejected: Takes the rows that cannot be used.
        watch: Told how far it is.
        how: How it is to be read.
        terms: What to go by. All callers are scanned where there is a baseline already.

    Returns:
        The log, and the other models in it.

    Raises:
        InputError: If it cannot be read, has no such model, nobody is named in it, or it has no inputs to attack with.
    """
    summaries = load_events(
        spool,
        paths,
        rejected,
        watch,
        options=how.options,
        salt=terms.salt,
        spec_of=lambda model: how.spec or terms.spec(model),
    )
    where = ", ".join(map(str, paths))
    meant = [one for one in summaries if how.model in (None, one.model)]
    chosen = max(meant, key=lambda one: (one.events, one.model), default=None)
    if chosen is None:
        names = ", ".join(one.model for one in summaries)
        raise InputError(f"there is no event of the model {how.model!r}", where=where, hint=f"The log holds: {names}")
    if not chosen.attributed:
        hint = "Log a principal, a session or at least the address."
        raise InputError(f"nobody is named in the events of {chosen.model}", where=where, hint=hint)
    if not chosen.inputs:
        hint = "Log the inputs, or their encoded features: attacks begin with something to ask for."
        raise InputError(f"no event of {chosen.model} has an input", where=where, hint=hint)
    known = terms.section(chosen.model, chosen.version)
    said = how.spec or terms.described(chosen.model) or (known.spec if known else None)
    spec = feature_spec(chosen, said)
    if spec.kind not in ATTACKED:
        raise InputError(
            f"attacks are planted on inputs that are images or numbers, not {spec.kind!r}", where=chosen.model
        )
    if known:
        refuse_other_input(known, spec)
    log = OwnLog(spool, chosen, spec, EVERYBODY if known else SCANNED)
    return log, [one.model for one in summaries if one is not chosen]


def _fetched(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any]) -> pa.Table:
    return connection.sql(query, params=values).to_arrow_table()


def _matrix(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Return lists of one length as (n, d)."""
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    rows: NDArray[np.float32] = flat.reshape(len(column), -1) if len(column) else flat.reshape(0, 0)
    return rows


def _answered(table: pa.Table) -> pa.Table:
    """Return the rows with scores, if at least half of them have some."""
    there = pc.greater(pc.fill_null(pc.list_value_length(table["scores"]), 0), 0)
    return table.filter(there) if 2 * (pc.sum(there).as_py() or 0) >= max(len(table), 1) else table


def _scores(column: pa.ChunkedArray) -> NDArray[np.float32] | None:
    lengths = {None if row is None else len(row) for row in column.to_pylist()}
    return _matrix(column) if len(lengths) == 1 and not lengths & {None, 0} else None
