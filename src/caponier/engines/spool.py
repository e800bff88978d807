"""Good events on disk, to be read back sorted by subject: what keeps memory flat however long the log is.

Sorting is DuckDB's, which spills to disk within a fixed memory limit. Sorted by subject, one subject's state at a time
is all that a scan has to hold.
"""

import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caponier.engines.columns import Read, selected
from caponier.engines.shares import bucket_of
from caponier.errors import InputError
from caponier.records.event import EVENT_SCHEMA, UNAUTHENTICATED
from caponier.records.finding import SubjectRef
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.events import Events
from caponier.telemetry.rejections import Rejection

SORT_MB: Final = 256
"""What DuckDB may hold while it sorts events of up to NARROW numbers; for wider ones it is more, up to MOST_MB: what it
must hold of each sorted run at once grows with their width."""
NARROW: Final = 200
MOST_MB: Final = 1_024
GROUP_ROWS: Final = 65_536
GROUP_BYTES: Final = 16 * 2**20
"""What is written together; more of it would take memory, less of it time."""
KINDS: Final = ("principal", "session", "address")
"""Whom an event is attributed to: the first of these that the log has."""
SEPARATOR: Final = "\x1f"
BATCH_VALUES: Final = 2**24
"""Most values of the inputs of one batch: batches of large pictures have fewer rows."""
SAMPLE_ROWS: Final = 20_000
SAMPLE_VALUES: Final = 2**25
"""Most inputs of which a scale is learned, and most values of them."""

_NO: Final = pa.scalar(False)
_SCHEMA = EVENT_SCHEMA.append(pa.field("source", pa.int32()))
_SCHEMA = _SCHEMA.append(pa.field("line", pa.int64()))
_SCHEMA = _SCHEMA.append(pa.field("subject", pa.string()))
_SCHEMA = _SCHEMA.append(pa.field("bucket", pa.uint32()))


def temporary_folder(within: Path | None = None) -> Path:
    """Return a new folder for events, in one that is given or in that for temporary files.

    Raises:
        InputError: If the folder that is given cannot be written to.
    """
    try:
        return Path(tempfile.mkdtemp(prefix="caponier-", dir=within)).absolute()
    except OSError as failed:
        if within is None:
            raise
        raise InputError(f"no folder can be made there: {failed.strerror}", where=str(within)) from failed


@dataclass(frozen=True)
class ModelSummary:
    """What the spool holds of one model."""

    model: str
    version: str | None
    """The most frequent one."""
    events: int
    attributed: int
    """Events that have a principal, session or address."""
    inputs: int
    labels: int
    scores: int
    statuses: int
    costs: int
    feedbacks: int
    enriched: dict[str, int]
    """Events with a stored result of each enrichment, by its name."""
    principals: int
    lengths: dict[int, int]
    """Number of features to number of events."""
    shape: list[int]
    """The most frequent shape of one example; empty where the log has none."""
    first_time: int
    last_time: int
    told: FeatureSpec | None = None
    """What the model takes, where the field map of its log names it."""
    texts: int = 0
    """Events whose input is logged as a text."""
    answers: int = 0
    """Different answers, about."""


@dataclass
class Spool:
    """A temporary folder of events, written once and then read in any order."""

    sources: list[str] = field(default_factory=list)
    rows: int = 0
    folder: Path = field(default_factory=temporary_folder)
    in_order: bool = True
    """Whether the events were written by time, source and seq, as most logs are: then nobody has to sort them so."""
    files_in_order: bool = True
    """Whether each source was written by time, however the sources lie among each other."""
    name: str = "events"
    """Of its file, where several spools share a folder."""
    joined: Mapping[str, str] = field(default_factory=dict)
    """From a principal to the one that it is counted as: of several keys of one account, one stands for all."""
    _parts: list[Path] = field(default_factory=list)
    """Files of others that it holds in place of its own."""
    _writer: pq.ParquetWriter | None = None
    _lengths: Counter[tuple[str, int | None]] = field(default_factory=Counter)
    """Events by model and length of the input; counted here, as nothing else would have to read all inputs again."""
    _last: tuple[int, int, int] | None = None
    """Time, source and seq of the event that was written last."""
    _waiting: list[pa.RecordBatch] = field(default_factory=list)
    """Batches that are to be written together: small groups of rows cost time in writing and in reading."""
    _waiting_bytes: int = 0
    _database: duckdb.DuckDBPyConnection | None = field(default=None, repr=False, compare=False)
    """Reads the files; made for the first query, as making one takes longer than most queries."""
    _viewed: list[Path] = field(default_factory=list, repr=False, compare=False)
    """Files of which the database has a view."""

    @property
    def file(self) -> Path:
        """The Parquet file of the events that were written here."""
        return self.folder / f"{self.name}.parquet"

    @property
    def files(self) -> list[Path]:
        """The Parquet files of all events, by source."""
        return self._parts or [self.file]

    @property
    def by_time(self) -> str:
        """What a query over all events ends in to give them in order; DuckDB keeps the order of what is written."""
        return "" if self.in_order else "order by time, source, seq"

    def write(self, events: Events) -> None:
        """Append good events of one source."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.file, _SCHEMA, compression="lz4", use_dictionary=_REPETITIVE)
        if events.source not in self.sources[-1:]:
            self.sources.append(events.source)
        if not events.batch.num_rows:
            return
        subjects, buckets = subjects_of(events.batch, self.joined)
        source = pa.array(np.full(events.batch.num_rows, len(self.sources) - 1, np.int32))
        arrays = [*events.batch.columns, source, events.lines, subjects, buckets]
        self._count(events.batch)
        self._watch(events.batch)
        batch = pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)
        self._waiting.append(batch)
        # Added up as they come: a folder may hold a file an event.
        self._waiting_bytes += batch.nbytes
        self.rows += events.batch.num_rows
        if self._waiting_bytes >= GROUP_BYTES:
            self._flush(self._writer)

    def absorb(self, part: "Spool", source: str) -> None:
        """Take in the sealed events of one source that somebody else wrote into the same folder.

        They must have been numbered as those of the source of this number, see `following`.
        """
        self.sources.append(source)
        self._parts.append(part.file)
        self._lengths += part._lengths
        self.rows += part.rows
        self.files_in_order = self.files_in_order and part.files_in_order
        # Nobody has looked how the sources lie among each other.
        self.in_order = self.in_order and not self._parts[1:] and part.in_order

    def following(self, sources: int) -> "Spool":
        """Return an empty spool in the same folder, for the events of the source after so many others."""
        name = f"events-{sources:06d}-{secrets.token_hex(4)}"
        return Spool(["?"] * sources, folder=self.folder, name=name, joined=self.joined)

    def seal(self) -> None:
        """Finish writing."""
        if self._parts:
            return
        if self._writer is None:
            pq.write_table(_SCHEMA.empty_table(), self.file)
        else:
            self._flush(self._writer)
            self._writer.close()
            self._writer = None

    def _count(self, batch: pa.RecordBatch) -> None:
        columns = {"model": batch.column("model"), "length": pc.list_value_length(batch.column("input"))}
        for row in pa.table(columns).group_by(list(columns)).aggregate([([], "count_all")]).to_pylist():
            self._lengths[row["model"], row["length"]] += row["count_all"]

    def _watch(self, batch: pa.RecordBatch) -> None:
        """Tell whether the events are still in order, and those of each source."""
        if not self.files_in_order or not batch.num_rows:
            return
        time, seq = batch.column("time").cast(pa.int64()).to_numpy(), batch.column("seq").to_numpy()
        source = len(self.sources) - 1
        ascending = bool(((time[1:] > time[:-1]) | (time[1:] == time[:-1]) & (seq[1:] > seq[:-1])).all())
        first, last = (int(time[0]), source, int(seq[0])), self._last
        self.files_in_order = ascending and (last is None or last[1] != source or last < first)
        self.in_order = self.in_order and self.files_in_order and (last is None or last < first)
        self._last = int(time[-1]), source, int(seq[-1])

    def _flush(self, writer: pq.ParquetWriter) -> None:
        if self._waiting:
            writer.write_table(pa.Table.from_batches(self._waiting), row_group_size=GROUP_ROWS)
            self._waiting.clear()
            self._waiting_bytes = 0

    def models(self) -> list[ModelSummary]:
        """Summarise what is there, model by model."""
        with connected(self) as connection:
            relation = connection.sql(_TOTALS)
            names, totals = relation.columns, relation.fetchall()
            enriched = _by_model(connection.execute(_ENRICHED).fetchall())
        counted = sorted((model, length, count) for (model, length), count in self._lengths.items() if length)
        lengths = _by_model(counted)
        return [
            ModelSummary(
                **dict(zip(names, total, strict=True)),
                inputs=sum(lengths.get(total[0], {}).values()),
                lengths=lengths.get(total[0], {}),
                enriched=enriched.get(total[0], {}),
            )
            for total in totals
        ]

    @property
    def sort_mb(self) -> int:
        """Megabytes that DuckDB may hold while it sorts these events: by their width, not by their number."""
        widest = max((length for _, length in self._lengths if length), default=0)
        return min(MOST_MB, max(SORT_MB, SORT_MB * widest // NARROW))

    def wrong_lengths(self, model: str, size: int) -> Iterator[Rejection]:
        """Yield a rejection for each event whose input has another number of features than the model takes.

        Where inputs are not looked at, which is a size of 0, none is of the wrong length.
        """
        if not size or {length for of, length in self._lengths if of == model} <= {None, size}:
            return
        query = "select source, line, len(input) from events where model = ? and len(input) <> ? order by source, seq"
        with connected(self) as connection:
            rows = connection.execute(query, [model, size])
            while some := rows.fetchmany(1_000):
                for source, line, length in some:
                    reason = f"input of the wrong length: {length} values where {model} takes {size}"
                    yield Rejection(self.sources[source], line, reason)

    def events(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], dict[str, Any]]:
        """Return whole events by their place (source, seq)."""
        wanted = pa.table(
            {
                "source": pa.array([source for source, _ in places], pa.int32()),
                "seq": pa.array([seq for _, seq in places], pa.int64()),
            }
        )
        with connected(self) as connection:
            connection.register("wanted", wanted)
            query = "select distinct events.* from events join wanted using (source, seq)"
            rows = connection.sql(query).to_arrow_table().to_pylist()
        return {(row["source"], row["seq"]): row for row in rows}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._database is not None:
            self._database.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the database: another process opens its own."""
        return self.__dict__ | {"_database": None, "_viewed": []}

    def database(self) -> duckdb.DuckDBPyConnection:
        """Return the database with the view `events` over all files, in bounded memory, spilling into the folder."""
        if self._database is None:
            self._database = duckdb.connect(
                config={
                    "memory_limit": f"{self.sort_mb}MB",
                    "threads": 1,
                    "temp_directory": str(self.folder / "sort"),
                    # What was read once would be held in case it is read again, which is for the sorting to hold.
                    "enable_external_file_cache": False,
                }
            )
        if self._viewed != self.files:
            self._database.read_parquet([str(file) for file in self.files]).create_view("events")
            self._viewed = list(self.files)
        return self._database


def known_principal(event: Mapping[str, Any]) -> str | None:
    """Return the principal of an event from `Spool.events`, unless it was turned away."""
    kind, _, name = (event["subject"] or "").partition(SEPARATOR)
    return name if kind == "principal" else None


def caller_of(subject: str) -> SubjectRef:
    """Return whom a subject's name in the spool, or in the guard, stands for."""
    kind, _, name = subject.partition(SEPARATOR)
    if kind == "session":
        session, _, address = name.rpartition(SEPARATOR)
        return SubjectRef(kind, session.replace(SEPARATOR, " "), sender=f"address:{address}" if address else None)
    sender = f"address:{name.partition(SEPARATOR)[0]}" if kind == "address" else None
    return SubjectRef(kind, name.replace(SEPARATOR, " "), sender=sender)


def connected(spool: Spool) -> duckdb.DuckDBPyConnection:
    """Open a connection on the spool's view `events`; those of one spool share what it may hold."""
    connection = spool.database().cursor()
    # Where it takes its user to be at a prompt, DuckDB draws on standard output, which is for results.
    connection.execute("set enable_progress_bar = false; set timezone = 'UTC'")
    return connection


def sorted_events(
    connection: duckdb.DuckDBPyConnection,
    model: str,
    size: int,
    rows: int,
    where: str = "true",
    columns: Iterable[Read] = (),
) -> Iterator[pa.RecordBatch]:
    """Yield a model's attributed events sorted by subject, time, source and seq.

    Args:
        connection: From `connected`.
        model: Name of the model.
        size: Number of features; events with another number of them are left out. With 0 no input is looked at.
        rows: Rows in a batch.
        where: Further condition over the columns `subject` and `bucket`.
        columns: Further columns that are wanted.
    """
    further = selected(columns)
    relation = connection.sql(
        (_SORTED if size else _WITHOUT_INPUT).format(where=where, further=further), params=[model, size]
    )
    yield from relation.to_arrow_reader(fitting(rows, size))


def sorted_by_time(spool: Spool, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield all events in `EVENT_SCHEMA` by time, source and seq, so that they make one log.

    Args:
        spool: Sealed events.
        rows: Rows in a batch.
    """
    with connected(spool) as connection:
        for batch in connection.sql(_ALL.format(order=spool.by_time)).to_arrow_reader(rows):
            yield batch.select(EVENT_SCHEMA.names).cast(EVENT_SCHEMA)


def fitting(rows: int, size: int) -> int:
    """Return how many events of so many features make one batch, of at most so many rows."""
    return max(1, min(rows, BATCH_VALUES // max(1, size)))


def scale_sample(spool: Spool, model: str, size: int) -> NDArray[np.float32]:
    """Return some 20,000 of a model's inputs, fewer of large ones, spread evenly over the log, as (n, size)."""
    query = _SPREAD if spool.files_in_order else _SPREAD_ANEW
    with connected(spool) as connection:
        most = max(1, min(SAMPLE_ROWS, SAMPLE_VALUES // max(1, size)))
        table = connection.sql(query, params=[model, size, most, model, size]).to_arrow_table()
    flat = table.column("input").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    inputs: NDArray[np.float32] = flat.astype(np.float32).reshape(-1, size)
    return inputs


def _by_model(counts: list[tuple[str, Any, int]]) -> dict[str, dict[Any, int]]:
    """Sort counts (model, of what, how many) by model."""
    sorted_: dict[str, dict[Any, int]] = {}
    for model, what, count in counts:
        sorted_.setdefault(model, {})[what] = count
    return sorted_


def subjects_of(batch: pa.RecordBatch, joined: Mapping[str, str]) -> tuple[pa.Array, pa.Array]:
    """Name the subject of each event, and give it a bucket by which work and folds are shared out.

    Whoever was turned away is known by the address alone. Anybody may send any session: without a principal it is one
    only together with the address that it comes from.
    """
    strangers = pc.fill_null(pc.is_in(batch.column("status"), value_set=pa.array(UNAUTHENTICATED, pa.int32())), False)
    columns = [_as_one(_named(batch.column("principal"), strangers), joined)]
    if columns[0].null_count:
        source = _named(batch.column("source_ip"))
        session = pc.binary_join_element_wise(
            _named(batch.column("session"), strangers), pc.fill_null(source, ""), SEPARATOR
        )
        # Nor does a user agent count that somebody who was turned away could write anew with each request.
        agent = pc.fill_null(_named(batch.column("user_agent"), strangers), "")
        address = pc.binary_join_element_wise(source, agent, SEPARATOR)
        columns += [session, address]
    named = [
        pc.binary_join_element_wise(pa.scalar(kind), column, SEPARATOR)
        for kind, column in zip(KINDS, columns, strict=False)
    ]
    subjects = pc.coalesce(*named).dictionary_encode()
    sums = [bucket_of(name) for name in subjects.dictionary.to_pylist()]
    buckets = pa.array(sums, pa.uint32()).take(subjects.indices)
    return subjects.cast(pa.string()), buckets


def _as_one(principals: pa.Array, joined: Mapping[str, str]) -> pa.Array:
    """Put the principal that stands for several into the place of each of them."""
    if not joined:
        return principals
    held = principals.dictionary_encode()
    names = [None if name is None else joined.get(name, name) for name in held.dictionary.to_pylist()]
    return pa.array(names, pa.string()).take(held.indices)


def _named(column: pa.Array, nobodys: pa.Array | pa.Scalar = _NO) -> pa.Array:
    """Take an empty name for none: or else all who have no name would be one subject; and those of `nobodys` rows."""
    return pc.if_else(pc.or_(pc.equal(column, ""), nobodys), pa.scalar(None, column.type), column)


_REPETITIVE: Final = ["model", "operation", "principal", "label", "subject", "model_version", "system", "user_agent"]
_TOTALS: Final = """
select model, mode(model_version) as version, count(*) as events, count(subject) as attributed,
       count(label) as labels, approx_count_distinct(label) as answers, count(scores) as scores,
       count(status) as statuses, count(cost) as costs, count(feedback) as feedbacks,
       count_if(left(ltrim(input_raw), 1) not in ('[', '{')) as texts,
       count(distinct nullif(principal, '')) as principals, coalesce(mode(input_shape), []) as shape,
       min(epoch_us(time)) as first_time, max(epoch_us(time)) as last_time
from events group by model order by model
"""
_ENRICHED: Final = """
select model, name, count(*)
from (select model, unnest(map_keys(signals)) as name from events where signals is not null)
group by all order by all
"""
# Counted within the model's own events: in the log they may stand between those of others in any rhythm.
_SPREAD: Final = """
select input from (
    select input, row_number() over () as ordinal from events where model = ? and len(input) = ?
) where ordinal % (select greatest(1, count(*) // ?) from events where model = ? and len(input) = ?) = 0
"""
# Numbered without their inputs, which would all have to be sorted with them.
_SPREAD_ANEW: Final = """
with own as (
    select source, seq, row_number() over (order by source, time, seq) as ordinal
    from events where model = ? and len(input) = ?
), spread as (
    select source, seq from own
    where ordinal % (select greatest(1, count(*) // ?) from events where model = ? and len(input) = ?) = 0
)
select input from events where (source, seq) in (select source, seq from spread)
"""
_ALL: Final = "select * from events {order}"
_SORTED: Final = """
select subject, epoch_us(time) as time, source, seq, line, input, label{further}
from events
where model = ? and subject is not null and (input is null or len(input) = ?) and ({where})
order by subject, time, source, seq
"""
_WITHOUT_INPUT: Final = """
select subject, epoch_us(time) as time, source, seq, line, cast(null as float[]) as input, label{further}
from events
where model = ? and subject is not null and ? = 0 and ({where})
order by subject, time, source, seq
"""
