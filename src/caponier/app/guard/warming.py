"""What detection knew before a restart, learned again from the lake: nobody gains anything from a restart."""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from caponier.app.inference.live import LiveFindings
from caponier.guard.events import Row
from caponier.records.finding import Finding

BACK: Final = timedelta(days=2)
"""Older events are not read again."""
TOGETHER: Final = 1_000
"""Events that are looked at together."""
_LONGEST_LINE: Final = 16 * 2**20


class Warming:
    """Reads the newest events of a lake, and has them looked at again.

    Args:
        lake: The folder.
        most: Events, at most: the newest of them.
    """

    def __init__(self, lake: Path, most: int) -> None:
        self._lake, self._most = lake, most
        self._ids: dict[int, str] = {}

    def id_of(self, seq: int) -> str | None:
        """Return the id of an event that was read again; None if it is none of them."""
        return self._ids.get(seq)

    def warm(self, live: LiveFindings, now: datetime | None = None) -> tuple[int, list[Finding]]:
        """Look at the newest events again.

        Args:
            live: That is to know them.
            now: The present by default.

        Returns:
            How many events that were, and what was found in them, known or not.
        """
        rows = self._newest(frozenset(live.models), now or datetime.now(UTC))
        found: list[Finding] = []
        for place, row in enumerate(rows):
            row["seq"] = place - len(rows)
            self._ids[row["seq"]] = row["event_id"]
        for at in range(0, len(rows), TOGETHER):
            found += live.feed(rows[at : at + TOGETHER])
        return len(rows), found

    def _newest(self, models: frozenset[str], now: datetime) -> list[Row]:
        if not self._most or not models:
            return []
        newest: list[tuple[datetime, int, str, Row]] = []
        for file in self._files(now):
            events = deque(_events(file, models), maxlen=self._most)
            keyed = ((row["time"], row["seq"], row["event_id"], row) for row in events)
            newest = heapq.nlargest(self._most, [*newest, *keyed], key=lambda one: one[:3])
            oldest = newest[-1][0] if len(newest) == self._most else None
            if oldest is not None and _day_of(file) < oldest.date().isoformat():
                break
        return [row for *_, row in sorted(newest, key=lambda one: one[:3])]

    def _files(self, now: datetime) -> Iterable[Path]:
        """Return the files that guards wrote, the newest day and hour first."""
        since = (now - BACK).date().isoformat()
        found = [file for file in self._lake.glob("*/guard-*.jsonl") if _day_of(file) >= since]
        return sorted(found, key=lambda file: (_day_of(file), file.name[:8]), reverse=True)


def _day_of(file: Path) -> str:
    return file.parent.name


def _events(file: Path, models: frozenset[str]) -> Iterator[Row]:
    """Yield the events of a guard's file that are of watched models; a line that is none is left out."""
    with file.open("rb") as stream:
        while line := stream.readline(_LONGEST_LINE):
            row = _event(line)
            if row is not None and row["model"] in models:
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
