"""Read from inference logs what a dry run counts: who asked which model, and when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from caponier.app.inference.read_options import caller_headers
from caponier.app.workspace.workspace import read_salt
from caponier.records.event import UNAUTHENTICATED
from caponier.records.inventory import Workspace
from caponier.respond.dry_run import Query
from caponier.telemetry.events import read_events
from caponier.telemetry.rejections import RejectedRows

_COLUMNS = ("principal", "model", "time", "session", "source_ip", "system")
_ABOUT = ("operation", "status")


@dataclass(frozen=True, slots=True)
class LogRead:
    """The queries of a log, and what could not be used of it."""

    queries: tuple[Query, ...]
    rejected: RejectedRows


def read_queries(workspace: Workspace, paths: Sequence[Path]) -> LogRead:
    """Read the queries of logs; inputs and answers are not kept in memory.

    Raises:
        InputError: If a path cannot be read or is no log.
    """
    rejected = RejectedRows()
    queries = tuple(_queries(workspace, paths, rejected))
    return LogRead(queries, rejected)


def _queries(workspace: Workspace, paths: Sequence[Path], rejected: RejectedRows) -> Iterator[Query]:
    """Yield what a guard would have decided about: it never refuses a question about health."""
    for events in read_events(paths, rejected, salt=read_salt(workspace), callers=caller_headers(workspace)):
        columns = [events.batch.column(name).to_pylist() for name in (*_ABOUT, *_COLUMNS)]
        for operation, status, *told in zip(*columns, strict=True):
            if operation != "health":
                query = Query(*told)
                # Whoever was turned away is known by the address alone, as in a scan.
                yield query._replace(principal=None, session=None) if status in UNAUTHENTICATED else query
