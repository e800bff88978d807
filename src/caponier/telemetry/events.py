"""Logs to events: pick the reader, convert, check, tell the late rows, and number what is left."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caponier.errors import InputError
from caponier.formats.walk_files import shown as shown_path
from caponier.records.event import EVENT_SCHEMA
from caponier.records.field_map import FieldMap
from caponier.telemetry.checks import check
from caponier.telemetry.chunk import Chunk
from caponier.telemetry.clock import LATENESS, Clock
from caponier.telemetry.columns import Columns, Faults, from_batch, from_rows, from_values, shown
from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.choose import MODEL, UNSAID, MapChoice, is_native, mapped
from caponier.telemetry.field_maps.words import understood
from caponier.telemetry.joining.halves import Halves
from caponier.telemetry.joining.moments import Moments
from caponier.telemetry.joining.whether import MOST_FILES, are_halves, names_callers_elsewhere
from caponier.telemetry.log_files import LogFile, log_files, spared
from caponier.telemetry.readers import arrow, csv, json_lines, kserve, orc, parquet, pattern_lines
from caponier.telemetry.readers.archives import holds_tables, is_archive, unpacked
from caponier.telemetry.readers.cloud_event import USUAL, CallerHeaders
from caponier.telemetry.readers.foreign_files import (
    begins_object,
    holds_records,
    looks_like_table,
    refuse_foreign,
    table_magic,
)
from caponier.telemetry.readers.json_columns import WantedColumns
from caponier.telemetry.readers.kserve_answers import KServeAnswers
from caponier.telemetry.readers.partitions import with_partitions
from caponier.telemetry.readers.pattern_lines import known_line_map
from caponier.telemetry.rejections import CUT, MENDED, RAW_LIMIT, TOO_LONG, RejectedRows, Rejection
from caponier.telemetry.streams import COMPRESSIONS, STDIN, Head, head_of

_HOLDING: Final = frozenset(
    (".tar", ".tgz", ".txz", ".tbz", ".tbz2", ".tzst", ".zip", *COMPRESSIONS, ".db", ".sqlite", ".sqlite3", ".xlsx")
)
"""How the names of files end that hold others, or tables."""
KINDS: Final = ".parquet, .orc, .arrow, .jsonl, .json, .log, .csv or .tsv"
_ROTATED: Final = re.compile(r"(?:[.-]\d{1,10})+$")
_TABLES: Final[dict[str, Callable[[Path], Iterator[Chunk]]]] = {
    ".parquet": parquet.read,
    ".pq": parquet.read,
    ".arrow": arrow.read,
    ".feather": arrow.read,
    ".orc": orc.read,
}
_MAGIC: Final = {b"PAR1": parquet.read, b"ARROW1": arrow.read, b"ORC": orc.read}
NO_IDS: Final = (
    "one log knows what was asked and another who asked, and no request_id is in both: whose each request was cannot be"
    " told; let the gateway hand its id on (X-Request-Id), and log it in both"
)
BY_TIME: Final = (
    "were given the caller who alone asked within 1.5 seconds of them, as no request_id is in both logs; the others"
    " stay nobody's; let the gateway hand its id on (X-Request-Id), and log it in both"
)
RELATED: Final = 0.05
"""Share of requests of which another record has the id; where fewer have one, two logs just count alike."""
READERS: Final = ("auto", "events", "kserve")


@dataclass(frozen=True)
class Events:
    """Good rows of one source, in its order."""

    source: str
    batch: pa.RecordBatch
    """Rows in `EVENT_SCHEMA`; `seq` is filled."""
    lines: pa.Array
    """int64 line number of each row in its source."""
    bytes_read: int
    native: bool = True
    """Whether the log is in this schema itself."""

    def of(self, batch: pa.RecordBatch) -> "Events":
        """Return the same events, some of them left away and others completed."""
        if batch.num_rows == self.batch.num_rows:
            return replace(self, batch=batch)
        kept = pc.is_in(self.batch.column("seq"), value_set=batch.column("seq"))
        return replace(self, batch=batch, lines=self.lines.filter(kept))


def read_events(
    paths: Sequence[Path | LogFile],
    rejected: RejectedRows,
    *,
    reader: str = "auto",
    lateness: float = LATENESS,
    salt: bytes = b"",
    callers: CallerHeaders = USUAL,
    maps: MapChoice = UNSAID,
) -> Iterator[Events]:
    """Read inference logs, in the order in which they stand there; who needs them by time sorts them.

    Args:
        paths: Files, folders of files, or `-` for JSON Lines on standard input; or what `event_files` found.
        rejected: Takes the rows that cannot be used.
        reader: `events` for the event schema, `kserve` for the KServe inference logger, `auto` to tell by content.
        lateness: Seconds by which a row of standard input may be out of order, where it is a live stream.
        salt: Salt for principals made from credentials.
        callers: Which headers in a log say who asks.
        maps: How logs are mapped that are not in the event schema.

    Raises:
        InputError: If a path is missing or cannot be opened, is of no known format, or is the file for rejected rows.
    """
    files = list(_files(paths, rejected.path))
    reading = _Reading(reader, lateness, callers, replace(maps, salt=salt))
    with Halves() as halves, Moments() as moments:
        first = _first(files, reading)
        by_id, by_time = are_halves(first), False
        if by_id:
            _gather(files, reading, halves)
            by_id = halves.share() >= RELATED
        if not by_id and names_callers_elsewhere(first):
            _gather(files, reading, moments)
            by_time = moments.settle() >= RELATED
            if not by_time:
                rejected.tell(NO_IDS)
        joined = halves if by_id else moments if by_time else None
        for events in reading.read(files, rejected):
            if joined is not None and not events.native:
                events = events.of(joined.complete(events.batch))
            yield events
        rejected.tell_others()
        if halves.joined:
            rejected.tell(f"{halves.joined:,} events were completed by records of the same request_id")
        if moments.joined:
            rejected.tell(f"{moments.joined:,} events {BY_TIME}")


def _gather(files: Sequence[LogFile], reading: "_Reading", into: Halves | Moments) -> None:
    for events in reading.read(files, RejectedRows()):
        if not events.native:
            into.gather(events.batch)


def _first(files: Sequence[LogFile], reading: "_Reading") -> list[pa.RecordBatch]:
    """Return the first rows of logs; none where one is a pipe, which can be read only once."""
    if reading.reader == "events" or any(file.path == STDIN or file.path.is_fifo() for file in files):
        return []
    step = max(1, len(files) // MOST_FILES)
    first = (next(reading.read([file], RejectedRows(), ahead=False), None) for file in files[::step])
    return [events.batch for events in first if events is not None and not events.native]


@dataclass
class _Reading:
    """How logs are read; each is looked at once, however often it is read."""

    reader: str
    lateness: float
    callers: CallerHeaders
    maps: MapChoice

    def __post_init__(self) -> None:
        self.reader_of: Callable[[Path], Callable[[Path], Iterator[Chunk]]] = cache(_reader_of)
        self.line_map: Callable[[Path], FieldMap | None] = cache(partial(_line_map, reader=self.reader, maps=self.maps))

    def read(self, files: Sequence[LogFile], rejected: RejectedRows, *, ahead: bool = True) -> Iterator[Events]:
        """Read logs, each as it stands.

        Args:
            files: The logs.
            rejected: Takes the rows that cannot be used.
            ahead: Whether the responses of a log of KServe are gathered from all of it first.
        """
        with KServeAnswers() as answers:
            gathered = self._gathered(files, answers) if ahead else ()
            for file in files:
                # A file's name need not be UTF-8, but everything that is written about it is.
                source = shown_path(file.path)
                clock, seq = Clock.of(file.path, self.lateness), 0
                own = answers if file.path in gathered else None
                read = partial(self._chunks, file.path, rejected, own)
                for chunk in spared(file, read, Chunk):
                    events = _events(source, chunk, clock, seq, rejected)
                    seq += events.batch.num_rows
                    yield events
            if ahead:
                rejected.add(kserve.unused(answers))

    def _gathered(self, files: Sequence[LogFile], answers: KServeAnswers) -> frozenset[Path]:
        """Gather the responses of the logs of KServe among files, and return these; a pipe can be read only once."""
        if self.reader == "events" or self.maps.named is not None:
            return frozenset()
        whole = [file.path for file in files if _format(file.path) in (json_lines.read, None) and file.path.is_file()]
        always = self.reader == "kserve"
        return frozenset(
            path for path in whole if answers.gather(shown_path(path), partial(self._objects, path), always=always)
        )

    def _objects(self, path: Path) -> Iterator[Chunk]:
        """Read a log as objects; nothing of one whose lines have a form of their own."""
        if self.line_map(path) is None:
            yield from json_lines.read(path)

    def _chunks(self, path: Path, report: RejectedRows, answers: KServeAnswers | None) -> Iterator[Chunk]:
        read, maps = self.reader_of(path), self.maps
        if self.reader == "events":
            return read(path)
        by_line = self.line_map(path)
        if by_line is not None and by_line.line:
            if maps.named is None:
                report.tell(f"{shown_path(path)}: read as {understood(by_line)}")
            rows = pattern_lines.read(path, by_line.line, is_named=maps.named is not None)
            return mapped(rows, replace(maps, named=by_line), report, shown_path(path))
        if read is not json_lines.read:
            return mapped(with_partitions(read(path), path), maps, report, shown_path(path))
        wanted = WantedColumns()
        chunks = with_partitions(json_lines.read(path, wanted=wanted), path)
        if maps.named is None:
            chunks = kserve.joined(
                chunks,
                maps.salt,
                always=self.reader == "kserve",
                callers=self.callers,
                answers=answers,
                spec_of=maps.spec_of,
                tables=report.tables,
            )
        return chunks if self.reader == "kserve" else mapped(chunks, maps, report, shown_path(path), wanted)


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the logs that are meant by paths: files, those in folders, or `-`.

    Raises:
        InputError: If a path is missing, or a folder holds none.
    """
    return [file.path for file in _files(paths, None) if file.problem is None]


def event_files(paths: Sequence[Path], rejected: RejectedRows) -> list[LogFile]:
    """Return the logs that are meant by paths, for whoever reads each by itself; see `read_events`.

    Raises:
        InputError: If a path is missing, a folder holds none, or one is the file for rejected rows.
    """
    return list(_files(paths, rejected.path))


def _files(paths: Sequence[Path | LogFile], output: Path | None) -> Iterator[LogFile]:
    """Yield the files behind paths; the file for rejected rows of an earlier run is none of them."""
    yield from (path for path in paths if isinstance(path, LogFile))
    unread = [path for path in paths if not isinstance(path, LogFile)]
    unread = [unpacked(path) if is_archive(path, head_of(path)) else path for path in unread]

    def is_meant(path: Path) -> bool:
        return (_is_log(path) or _holder_head(path) is not None) and not _is_same(path, output)

    for file in log_files(unread, is_meant, KINDS):
        if file.named and file.path != STDIN and _is_same(file.path, output):
            where = str(file.path)
            raise InputError("is both a log and the file for rejected rows", where=where, hint="Change --rejected")
        head = None if file.named or file.problem is not None else _holder_head(file.path)
        if head is None:
            yield file
        elif is_archive(file.path, head):
            yield from _in_archive(file)
        else:
            # It may be anything: nobody asked for that.
            yield replace(file, problem="may hold logs, which are read if it is named itself")


def _in_archive(archive: LogFile) -> Iterator[LogFile]:
    """Yield the logs in an archive that a folder holds; other archives in it stay as they are."""
    try:
        yield from (
            replace(one, named=False) for one in log_files([unpacked(archive.path, is_named=False)], _is_log, KINDS)
        )
    except InputError as wrong:
        yield replace(archive, problem=wrong.what)


def _holder_head(path: Path) -> Head | None:
    """Return how a file begins that holds others, or tables; None of any other file."""
    head = _head_in_folder(path) if path.suffix.lower() in _HOLDING else None
    return head if head is not None and (is_archive(path, head) or holds_tables(path, head)) else None


def _head_in_folder(path: Path) -> Head | None:
    """Return how a file begins that nobody named; None where it cannot be opened, which is no reason to read none."""
    try:
        return head_of(path)
    except InputError:
        return None


def _is_log(path: Path) -> bool:
    """Tell whether a file in a folder is meant: by its name, or by what it holds where that has no ending."""
    if _format(path) is not None:
        return True
    suffix = path.suffix.lower()
    inner = path.with_suffix("") if suffix in COMPRESSIONS else path
    if inner.suffix or inner.name.startswith((".", "_")):
        return False
    head = _head_in_folder(path)
    # Where it cannot be opened reading it says so.
    return head is None or holds_records(head.text) or table_magic(head.text) is not None


def _is_same(path: Path, output: Path | None) -> bool:
    try:
        return output is not None and path.samefile(output)
    except OSError:
        return False


def _format(path: Path) -> Callable[[Path], Iterator[Chunk]] | None:
    """Tell by its name how a file is to be read; of `app.log.2.gz` the number only says how old it is."""
    suffix = path.suffix.lower()
    inner = Path(path.name[: -len(suffix)]) if suffix in COMPRESSIONS else Path(path.name)
    kind = Path(_ROTATED.sub("", inner.name)).suffix.lower()
    if path == STDIN or kind in (".jsonl", ".ndjson", ".json", ".log"):
        return json_lines.read
    if kind in (".csv", ".tsv"):
        return csv.read
    if suffix in COMPRESSIONS:
        return None
    return _TABLES.get(kind)


def _reader_of(path: Path) -> Callable[[Path], Iterator[Chunk]]:
    """Return what reads a file: by its content where that has a form of its own, then by its name.

    Raises:
        InputError: If it is of a form that is not read.
    """
    head = head_of(path)
    if holds_tables(path, head):
        return _logged_table(path)
    refuse_foreign(path, head.text)
    inner = path.with_suffix("")
    if path.suffix.lower() in COMPRESSIONS and _format(inner) in _TABLES.values():
        hint = f"These are packed inside already: unpack it, for example with gzip -d {shown_path(path)}"
        raise InputError(f"is a packed {inner.suffix} file, which is not read", where=shown_path(path), hint=hint)
    if (known := _format(path)) is not None and path != STDIN:
        # What it holds counts where the name says something else.
        if known is csv.read and begins_object(head.text):
            return json_lines.read
        is_json = known is json_lines.read and path.suffix.lower() != ".log"
        return csv.read if is_json and looks_like_table(head.text) else known
    if known is not None:
        return known
    if (magic := table_magic(head.text)) is not None:
        return _MAGIC[magic]
    return csv.read if looks_like_table(head.text) else json_lines.read


def _logged_table(path: Path) -> Callable[[Path], Iterator[Chunk]]:
    """Return what reads the only table of a file with several that is a log.

    Raises:
        InputError: If none is, or several are.
    """
    # Only here: few logs are databases, and a scan should not wait for what reads them.
    from caponier.telemetry.readers import stored_tables

    tables = stored_tables.names_of_tables(path)
    samples = ((name, next(stored_tables.read(path, name)).rows) for name in tables)
    logs = [name for name, rows in samples if is_native(rows) or guess(rows, MODEL).clear]
    if len(logs) != 1:
        told = ", ".join(logs or tables)[:200]
        what = f"several of its tables could be the log: {told}" if logs else f"none of its tables is a log: {told}"
        hint = f"Write the one that is meant as CSV: sqlite3 -header -csv {shown_path(path)} QUERY > log.csv"
        raise InputError(what, where=shown_path(path), hint=hint)
    return partial(stored_tables.read, table=logs[0])


def _line_map(path: Path, reader: str, maps: MapChoice) -> FieldMap | None:
    """Return the map of a log whose lines are no objects, where there is one."""
    if maps.named is not None:
        return maps.named if maps.named.line else None
    if reader == "auto" and _format(path) in (json_lines.read, None):
        return known_line_map(path, maps.known)
    return None


def known_form(path: Path, maps: MapChoice) -> FieldMap | None:
    """Return the map that ships or was given for a text log whose lines have the form of this one."""
    return _line_map(path, "auto", maps)


def first_chunk(path: Path) -> Chunk | None:
    """Return the first rows of a log as they stand there; None if it has none.

    Raises:
        InputError: If it cannot be opened, or is of no known format.
    """
    return next((chunk for chunk in _reader_of(path)(path) if chunk.lines), None)


def _events(source: str, chunk: Chunk, clock: Clock, seq: int, rejected: RejectedRows) -> Events:
    n = len(chunk.lines)
    columns, told = _converted(chunk)
    faults, lacking = check(columns, n)
    # A value that cannot be converted is missing now: only where that is a value that is needed the row is lost.
    faults = {at: told.get(at, reason) for at, reason in faults.items()}
    lacking |= told
    good = np.ones(n, bool)
    good[list(faults)] = False
    times = columns["time"].cast(pa.int64()).fill_null(0).to_numpy()
    late = np.zeros(n, bool)
    late[good] = clock.late(times[good])
    faults |= dict.fromkeys(np.flatnonzero(late).tolist(), "late: older by more than the allowed lateness")
    rejected.add(sorted(_rejections(source, chunk, lacking | faults), key=lambda rejection: rejection.line))
    kept = pa.array(np.flatnonzero(good & ~late))
    if len(kept) < n:
        columns = {name: column.take(kept) for name, column in columns.items()}
    arrays = [columns.get(field.name, pa.nulls(len(kept), field.type)) for field in EVENT_SCHEMA]
    arrays[EVENT_SCHEMA.get_field_index("seq")] = pa.array(np.arange(seq, seq + len(kept)), pa.int64())
    lines = pa.array(chunk.lines, pa.int64()).take(kept)
    batch = pa.RecordBatch.from_arrays(arrays, schema=EVENT_SCHEMA)
    return Events(source, batch, lines, chunk.bytes_read, chunk.native)


def _converted(chunk: Chunk) -> tuple[Columns, Faults]:
    if chunk.values is not None:
        return from_values(chunk.values, chunk.faults)
    return from_rows(chunk.rows) if chunk.batch is None else from_batch(chunk.batch)


def _shown(chunk: Chunk, position: int) -> str:
    if chunk.values is not None:
        # As it was mapped: what is secret in the row itself is hashed here.
        return shown({name: held[position] for name, held in chunk.values.items()})
    return shown(chunk.rows[position] if chunk.batch is None else chunk.batch.slice(position, 1))


def _rejections(source: str, chunk: Chunk, faults: Faults) -> Iterator[Rejection]:
    for unread in chunk.rejections:
        yield Rejection(source, unread.line, unread.reason, unread.raw)
    mended = {(unread.line, unread.reason) for unread in chunk.rejections if unread.reason in MENDED}
    partly = {unread.line for unread in chunk.rejections if unread.reason == CUT or unread.reason.startswith(TOO_LONG)}
    for position in sorted(faults):
        if (line := chunk.lines[position]) in partly or (line, faults[position]) in mended:
            # It was told already of the line.
            continue
        yield Rejection(source, chunk.lines[position], faults[position], _shown(chunk, position)[:RAW_LIMIT])
