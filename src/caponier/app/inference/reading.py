"""From logs to a spool: one after the other, or each by itself on another machine."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caponier.app.inference.read_options import ReadOptions
from caponier.app.progress import Progress, Silent
from caponier.engines.columns import with_answers
from caponier.engines.local import Each
from caponier.engines.spool import Spool
from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.conversion import TIME
from caponier.telemetry.events import Events, read_events
from caponier.telemetry.log_files import LogFile
from caponier.telemetry.raw_inputs import SpecOf, with_numbers
from caponier.telemetry.rejections import RejectedRows


@dataclass(frozen=True)
class ReadPart:
    """What one log gave."""

    spool: Spool
    rejected: RejectedRows
    """With all rows that could not be used."""
    read_rows: int


@dataclass(frozen=True)
class Reading:
    """How logs become events of a spool."""

    options: ReadOptions
    salt: bytes
    spec_of: SpecOf | None

    def fill(self, spool: Spool, paths: Sequence[Path | LogFile], rejected: RejectedRows, progress: Progress) -> int:
        """Write the good rows of logs into a spool; return how many there were, also of other times than are meant."""
        read_rows = 0
        for events in self.read(paths, rejected):
            read_rows += events.batch.num_rows
            spool.write(self.completed(_wanted(events, self.options), rejected))
            progress.advance(events.bytes_read)
        return read_rows

    def read(self, paths: Sequence[Path | LogFile], rejected: RejectedRows) -> Iterator[Events]:
        """Yield the good rows of logs as they stand there."""
        return read_events(
            paths,
            rejected,
            reader=self.options.reader,
            lateness=self.options.lateness,
            salt=self.salt,
            callers=self.options.callers,
            maps=replace(self.options.maps, spec_of=self.spec_of),
        )

    def completed(self, events: Events, rejected: RejectedRows) -> Events:
        """Fill in numbers for inputs that are logged as they came, and answers that are scores."""
        batch = with_numbers(events.batch, partial(_takes, self.spec_of, rejected))
        return replace(events, batch=with_answers(batch))

    def fill_with_each(self, spool: Spool, files: Sequence[LogFile], rejected: RejectedRows, each: Each) -> int:
        """Do the same with logs that are all in the event schema, each read by itself, wherever somebody is free.

        What comes of it is told apart from nothing that was read here: sources are numbered by their place among the
        logs, and rows that cannot be used are taken note of in the order of the logs.
        """
        # Where somebody reads who is elsewhere, a path must say all.
        named = [(number, replace(file, path=file.path.absolute())) for number, file in enumerate(files)]
        read_rows = 0
        for file, part in zip(files, each(partial(self._part, spool), named), strict=True):
            if isinstance(part, InputError):
                raise InputError(part.what, where=shown(file.path), hint=part.hint)
            read_rows += part.read_rows
            spool.absorb(part.spool, shown(file.path))
            rejected.absorb(part.rejected.called(shown(file.path)))
        return read_rows

    def _part(self, spool: Spool, numbered: tuple[int, LogFile]) -> "ReadPart | InputError":
        """Read one log into a file of its own."""
        number, file = numbered
        own, rejected = spool.following(number), RejectedRows(shown=sys.maxsize)
        try:
            read_rows = self.fill(own, [file], rejected, Silent())
        except InputError as wrong:
            return wrong
        own.seal()
        return ReadPart(own, rejected, read_rows)


def _takes(spec_of: SpecOf | None, told: RejectedRows, model: str) -> FeatureSpec | None:
    """Return what a model takes: as somebody says, or else where the log shows that these are texts."""
    known = spec_of(model) if spec_of else None
    seen = told.spec_of(model)
    return known or (seen if seen is not None and seen.kind == "text" else None)


def _wanted(events: Events, options: ReadOptions) -> Events:
    """Leave out events of other times than are meant."""
    if options.since is None and options.until is None:
        return events
    batch = events.batch
    kept = pa.array(np.ones(batch.num_rows, bool))
    if options.since is not None:
        kept = pc.and_(kept, pc.greater_equal(batch.column("time"), pa.scalar(options.since, TIME)))
    if options.until is not None:
        kept = pc.and_(kept, pc.less(batch.column("time"), pa.scalar(options.until, TIME)))
    return replace(events, batch=batch.filter(kept), lines=events.lines.filter(kept))
