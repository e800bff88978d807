"""What detection knew before a restart, learned again from the lake: nobody gains anything from a restart."""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from caponier.app.guard.log import SPILLED
from caponier.app.inference.live import LiveFindings, subject_of
from caponier.engines.remembered import KNOWN_AT, KNOWN_SHARE
from caponier.guard.events import Row
from caponier.records.finding import Finding

BACK: Final = timedelta(days=2)
"""Older events are not read again."""
LOOKED: Final = 5
"""Times as many events as are looked at again are read, so that those of one caller do not stand for all."""
TOGETHER: Final = 1_000
"""Events that are looked at together."""
_LONGEST_LINE: Final = 16 * 2**20


class Warming:
    """Reads the newest events of a lake, and has them looked at again.

    Args:
        lake: The folder.
        most: Events, at most: the newest of them, shared among the callers.
        spools: Folder of the spools, beside which events wait that could not be written to the lake; None if there are
            none.
    """

    def __init__(self, lake: Path, most: int, spools: Path | None = None) -> None:
        self._lake, self._most, self._spools = lake, most, spools
        self._ids: dict[int, str] = {}
        self.last = datetime.min.replace(tzinfo=UTC)
        """When the last event came that was looked at again."""

    def id_of(self, seq: int) -> str | None:
        """Return the id of an event that was read again; None if it is none of them."""
        return self._ids.get(seq)

    def warm(
        self, live: LiveFindings, now: datetime | None = None, noted: Callable[[Row], object] = lambda _: None
    ) -> tuple[int, list[Finding]]:
        """Look at the newest events again.

        Args:
            live: That is to know them.
            now: The present by default.
            noted: Told each of them besides.

        Returns:
            How many events that were, and what was found in them, known or not.
        """
        rows = self._newest(frozenset(live.models), now or datetime.now(UTC))
        found: list[Finding] = []
        for place, row in enumerate(rows):
            self.last = row["time"]
            row["seq"] = place - len(rows)
            self._ids[row["seq"]] = row["event_id"]
            noted(row)
        for at in range(0, len(rows), TOGETHER):
            found += live.feed(rows[at : at + TOGETHER])
        return len(rows), found

    def _newest(self, models: frozenset[str], now: datetime) -> list[Row]:
        if not self._most or not models:
            return []
        newest: list[_Place] = []
        looked = LOOKED * self._most
        for file in self._files(now):
            places = deque(_places(file, models), maxlen=looked)
            newest = heapq.nlargest(looked, [*newest, *places])
            oldest = newest[-1].time if len(newest) == looked else None
            if oldest is not None and _day_of(file) < oldest.date().isoformat():
                break
        return list(_read(sorted(_shared(newest, self._most))))

    def _files(self, now: datetime) -> Iterable[Path]:
        """Return the files that guards wrote, to the lake or beside it, the newest day and hour first."""
        since = (now - BACK).date().isoformat()
        beside = [] if self._spools is None else sorted(self._spools.glob(f"*/{SPILLED}"))
        # One that was being moved into the lake is in both.
        found = {
            file.relative_to(root): file
            for root in (*beside, self._lake)
            for file in root.glob("*/guard-*.jsonl")
            if _day_of(file) >= since
        }
        return sorted(found.values(), key=lambda file: (_day_of(file), file.name[:8]), reverse=True)


def _day_of(file: Path) -> str:
    return file.parent.name


class _Place(NamedTuple):
    """An event, and where it stands; sorted by what scans sort by."""

    time: datetime
    seq: int
    event_id: str
    subject: str
    file: Path
    at: int


def _places(file: Path, models: frozenset[str]) -> Iterator[_Place]:
    """Yield the events of a guard's file that are of watched models and somebody's; a line that is none is left out."""
    with file.open("rb") as stream:
        at = 0
        while line := stream.readline(_LONGEST_LINE):
            row = _event(line)
            subject = None if row is None else subject_of(row)
            if row is not None and subject is not None and row["model"] in models:
                yield _Place(row["time"], row["seq"], row["event_id"], f"{subject} {row['model']}", file, at)
            at += len(line)


def _shared(newest: Sequence[_Place], most: int) -> list[_Place]:
    """Share what may be looked at again among the callers: nobody pushes out what another one did before.

    Whoever floods the lake takes no more room than his newest events are worth. Names of which there is little to know
    have a part of the room, as in memory, and those of them first that have sent the most.

    Args:
        newest: The newest first.
        most: Events.
    """
    sent = Counter(place.subject for place in newest)
    ranks: Counter[str] = Counter()
    known: list[tuple[int, int]] = []
    new: list[tuple[int, int]] = []
    for at, place in enumerate(newest):
        if sent[place.subject] < KNOWN_AT:
            new.append((-sent[place.subject], at))
            continue
        # Twice as many of each caller's events in each turn: 8, 8, 16, 32 ...
        known.append(((ranks[place.subject] // KNOWN_AT).bit_length(), at))
        ranks[place.subject] += 1
    room = min(len(new), max(most - len(known), int(most * (1 - KNOWN_SHARE))))
    return [newest[at] for _, at in (*sorted(known)[: most - room], *sorted(new)[:room])]


def _read(places: Sequence[_Place]) -> Iterator[Row]:
    """Read events in their order; one that is gone by now is left out."""
    with ExitStack() as stack:
        streams = {file: stack.enter_context(file.open("rb")) for file in {place.file for place in places}}
        for place in places:
            streams[place.file].seek(place.at)
            row = _event(streams[place.file].readline(_LONGEST_LINE))
            if row is not None:
                yield row


def _event(line: bytes) -> Row | None:
    try:
        row: dict[str, Any] = orjson.loads(line)
        row["time"] = datetime.fromisoformat(row["time"])
        for name in ("input", "scores"):
            if row.get(name) is not None:
                row[name] = np.array([np.nan if one is None else one for one in row[name]], np.float32)
        whole = all(isinstance(row[name], kind) for name, kind in (("seq", int), ("event_id", str), ("model", str)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return row if whole and row["time"].tzinfo else None
