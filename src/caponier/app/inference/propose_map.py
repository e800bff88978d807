"""Propose a field map from a sample of a log, and say what would be read with it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.records.event import EVENT_SCHEMA
from caponier.records.field_map import FieldMap
from caponier.telemetry.events import files_of, first_chunk, known_form, read_events
from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.choose import MapChoice, is_native, known_map, sample_of
from caponier.telemetry.field_maps.guess import SAMPLE, GuessedMap
from caponier.telemetry.readers.cloud_event import is_cloud_event
from caponier.telemetry.rejections import RejectedRows

WANTED: Final = {
    "principal": "who asked: without it callers are told apart by session or address, with less certainty",
    "input": "what the model was asked: most detections need it",
    "label": "what the model answered",
    "scores": "the class scores: they change where the label does not, so that more searches show",
    "status": "the HTTP status of the answer: needed to see callers whose requests keep failing",
}
"""What a log may lack, and what it would be good for."""
SHOWN_EVENTS: Final = 3


@dataclass(frozen=True)
class Preview:
    """What a map reads of a sample."""

    rows: int
    events: list[dict[str, Any]]
    """The first ones, with the columns that they have."""
    filled: dict[str, int]
    """Column to the number of events that have it."""
    rejected: RejectedRows

    @property
    def missing(self) -> dict[str, str]:
        """Columns that no event has, and what they are good for; a text that was asked is no list of numbers."""
        asked = self.filled.get("input_raw") or self.filled.get("input_digest")
        return {
            name: why for name, why in WANTED.items() if not self.filled.get(name) and not (name == "input" and asked)
        }


@dataclass(frozen=True)
class MapProposal:
    """A proposed map of a log."""

    guess: GuessedMap
    native: bool
    """Whether it is in the event schema already."""
    preview: Preview | None
    log: Path
    """The file that it was guessed from: of a folder, the first log in it."""
    is_kserve: bool = False
    """Whether KServe's inference logger wrote it, which is read without a map."""


def propose_map(path: Path, choice: MapChoice, name: str) -> MapProposal:
    """Guess a map of a log, or find a known one, and read the first rows with it.

    Args:
        path: The log, or a folder of logs.
        choice: Known maps, the salt and the name of a model that no row names.
        name: What the map is called.

    Raises:
        InputError: If the log cannot be read.
    """
    logs = files_of([path])
    if not logs:
        raise InputError("holds no readable log", where=shown(path))
    if path.is_dir():
        # An empty one says nothing of those beside it.
        path = next((log for log in logs if log.stat().st_size), logs[0])
    by_line = known_form(path, choice)
    first = None if by_line else first_chunk(path)
    rows = sample_of(first) if first else []
    if rows and is_cloud_event(rows[0]):
        return MapProposal(GuessedMap(None, tuple({str(key): None for key in rows[0]})), False, None, path, True)
    known = by_line or (known_map(rows, choice.known) if rows else None)
    if known is not None:
        found = GuessedMap(known, tuple({key: None for row in rows for key in row}))
        found.remarks.append(f"this is known as {known.name}: it is read without any option")
    else:
        found = guess(rows, choice.model, name)
    native = is_native(rows)
    return MapProposal(found, native, preview(path, found.map, choice) if found.map and not native else None, path)


def preview(path: Path, field_map: FieldMap | None, choice: MapChoice) -> Preview:
    """Read the first rows of a log by a map.

    Raises:
        InputError: If the log or the map cannot be read.
    """
    rejected = RejectedRows()
    filled: Counter[str] = Counter()
    events: list[dict[str, Any]] = []
    rows = 0
    chosen = replace(choice, named=field_map)
    for read in _first(read_events([path], rejected, salt=choice.salt, maps=chosen)):
        rows += read.num_rows
        filled.update({name: read.num_rows - read.column(name).null_count for name in EVENT_SCHEMA.names})
        events += read.slice(0, SHOWN_EVENTS - len(events)).to_pylist() if len(events) < SHOWN_EVENTS else []
        if rows >= SAMPLE:
            break
    plain = [{name: value for name, value in event.items() if value is not None} for event in events]
    return Preview(rows, plain, {name: count for name, count in filled.items() if count}, rejected)


def _first(read: Iterator[Any]) -> Iterator[Any]:
    for events in read:
        yield events.batch
