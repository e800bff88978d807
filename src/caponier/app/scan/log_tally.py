"""What a scan of logs took each file for, and whether any rule asks for what it holds."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from caponier.app.scan.log_parts import LogPart
from caponier.records.skip import Skip
from caponier.telemetry.security_logs.sources import MANAGEMENT, LogSource, stands_for

SHOWN: Final = 3
"""Log sources that a warning names."""
_FROM_OUTSIDE: Final = (MANAGEMENT, "authentication", "webserver")
"""Categories whose rules mostly ask for a place outside."""


@dataclass
class ScannedLog:
    """What one file holds."""

    file: str
    events: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    """What it was taken for: events in each format."""
    sources: Counter[LogSource] = field(default_factory=Counter)
    """Events of each log source."""
    asked: int = 0
    """Events of log sources that a rule asks for: none of the others can ever match."""
    placed: bool = False
    """Whether an event says from where somebody did it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "file": self.file,
            "events": self.events,
            "formats": dict(self.formats.most_common()),
            "log_sources": {in_words(source): count for source, count in self.sources.most_common()},
            "asked": self.asked,
        }


def in_words(source: LogSource) -> str:
    """Write a log source as `--log-source` takes it."""
    return ",".join(f"{name}={value}" for name, value in zip(source._fields, source, strict=True) if value)


class LogTally:
    """Counts, file by file.

    Args:
        asks: Tells whether a rule asks for a log source.
    """

    def __init__(self, asks: Callable[[LogSource], bool]) -> None:
        self._asks = lru_cache(10_000)(asks)
        self._files: dict[str, ScannedLog] = {}
        self._shortened = self._continued = self._doubted = 0
        self._told_of: set[str] = set()
        """Files of which a row was listed as one that cannot be used."""

    def add(self, read: LogPart) -> None:
        """Take note of some events of one file."""
        into = self._files.setdefault(read.file, ScannedLog(read.file))
        into.events += read.events
        into.formats += read.formats
        into.sources += read.sources
        into.asked += sum(count for origin, count in read.sources.items() if self._asks(origin))
        into.placed |= read.placed
        self._told_of |= {one.file for one in read.rejections}
        self._shortened += read.shortened
        self._continued += read.continued
        self._doubted += read.doubted

    @property
    def files(self) -> list[ScannedLog]:
        """The files that hold events, in the order in which they were read."""
        return [file for file in self._files.values() if file.events]

    @property
    def notes(self) -> list[str]:
        """What is worth knowing about how they were read."""
        notes = []
        if empty := [name for name, file in self._files.items() if not file.events and name not in self._told_of]:
            more = f" and {len(empty) - SHOWN:,} more" if len(empty) > SHOWN else ""
            notes.append(f"nothing is in {', '.join(empty[:SHOWN])}{more}")
        if self._shortened:
            notes.append(f"{self._shortened:,} values were so long that only their beginning was read")
        if self._continued:
            notes.append(f"{self._continued:,} lines go on with an event above them, and are no events of their own")
        if self._doubted:
            notes.append(
                f"{self._doubted:,} lines say two things under one name, as where somebody wrote one of them into "
                "another value: neither counts"
            )
        return notes + [_unplaced(file) for file in self.files if not file.placed and _needs_places(file)]

    @property
    def unasked(self) -> list[Skip]:
        """The files of which no event can match any rule: silence about them says nothing."""
        return [Skip(file.file, _unasked(file)) for file in self.files if not file.asked]


def _needs_places(file: ScannedLog) -> bool:
    return any(stands_for(category, source) for source in file.sources for category in _FROM_OUTSIDE)


def _unplaced(file: ScannedLog) -> str:
    return (
        f"{file.file}: no event says from which address, so no rule that asks for a place outside can find anything "
        "in it; let the product log the caller's address"
    )


def _unasked(file: ScannedLog) -> str:
    named = "; ".join(in_words(source) for source, _ in file.sources.most_common(SHOWN))
    return (
        f"no rule asks for what it holds ({named}), so nothing in its {file.events:,} events could be found; "
        "give rules for it with --rules, or its log source with --log-source"
    )
