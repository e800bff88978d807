"""A guard before a victim: it detects inline, and its log is what is scanned."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

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
def guarded(upstream: str, workspace: Workspace, mode: Literal["observe", "enforce"] = "observe") -> Iterator[Recorded]:
    """Put a guard before a model server until the block is left.

    Args:
        upstream: The server's URL.
        workspace: Its lake takes the events, its store the findings that the guard makes inline.
        mode: Whether the guard also carries responses out.
    """
    with guarding(Guard(workspace, GuardSettings(upstream=upstream, port=0, mode=mode))) as listening:
        yield Recorded(listening.url, partial(recorded_events, Path(workspace.lake)))


def recorded_events(lake: Path) -> pa.Table:
    """Return the events in a guard's lake, in order of time."""
    batches = [read.batch for read in read_events([lake], RejectedRows())]
    return interleaved([pa.Table.from_batches(batches, EVENT_SCHEMA)])
