"""How logs of inference events are to be read: what a user says of them, and every use-case hands on as one value."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from caponier.records.inventory import Workspace
from caponier.telemetry.clock import LATENESS
from caponier.telemetry.field_maps.choose import UNSAID, MapChoice
from caponier.telemetry.readers.cloud_event import USUAL as HEADERS
from caponier.telemetry.readers.cloud_event import CallerHeaders


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What is said of logs that they do not say themselves."""

    reader: str = "auto"
    """See `telemetry.events.read_events`."""
    lateness: float = LATENESS
    """Seconds by which a row of standard input may be out of order, where it is a live stream."""
    sampling: float | None = None
    """Share of the traffic that is logged; by default as the inventory or the logs say."""
    callers: CallerHeaders = HEADERS
    """Which headers in a log say who asks."""
    since: datetime | None = None
    """Only events from then on."""
    until: datetime | None = None
    """Only events before then."""
    maps: MapChoice = UNSAID
    """How logs are mapped that are not in the event schema."""


USUAL: Final = ReadOptions()
"""Whatever the logs themselves show."""


def caller_headers(workspace: Workspace) -> CallerHeaders:
    """Return which headers in a log say who asks, by the section `[logs]`."""
    names = tuple(name.lower() for name in workspace.logs.credentials)
    return CallerHeaders(names, workspace.logs.trusted_proxies)
