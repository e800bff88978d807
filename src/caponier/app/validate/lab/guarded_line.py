"""A guard before a victim: it observes, detects inline, and its log is what is scanned."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa

from caponier.app.guard.run import Guard, guarding
from caponier.app.validate.lab.attack_line import Recorded
from caponier.emulate.event_log import interleaved
from caponier.guard.settings import GuardSettings
from caponier.records.event import EVENT_SCHEMA
from caponier.records.inventory import Workspace
from caponier.telemetry.events import read_events
from caponier.telemetry.rejections import RejectedRows


@contextmanager
def guarded(upstream: str, workspace: Workspace) -> Iterator[Recorded]:
    """Put a guard in observe mode before a model server until the block is left.

    Args:
        upstream: The server's URL.
        workspace: Its lake takes the events, its store the findings that the guard makes inline.
    """
    with guarding(Guard(workspace, GuardSettings(upstream=upstream, port=0))) as listening:
        yield Recorded(listening.url, partial(recorded_events, Path(workspace.lake)))


def recorded_events(lake: Path) -> pa.Table:
    """Return the events in a guard's lake, in order of time."""
    batches = [read.batch for read in read_events([lake], RejectedRows())]
    return interleaved([pa.Table.from_batches(batches, EVENT_SCHEMA)])
