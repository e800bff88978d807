"""Rows that could not be used: never dropped in silence, never a reason to stop."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import orjson

from caponier.errors import InputError
from caponier.records.field_map import FieldMap
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.column_layouts import SeenTables

RAW_LIMIT: Final = 2_000
"""Characters of the raw row that a rejection keeps: enough to find it, too little to fill the disk."""

SHOWN: Final = 20
"""Rejections kept in memory for the summary; all of them go to the file."""

SHOWN_FIELDS: Final = 60

OTHER: Final = "a line of another kind"
"""What a server wrote besides its records, such as that it has started: nothing that could not be read."""

TEXT: Final = "texts that are no UTF-8, or hold control characters or half letters: kept with signs in their place"
NUMBER: Final = (
    "numbers that are none, or too large: NaN is missing, and of the others the largest that there is counts"
)
LEFT_OUT: Final = "values that cannot be read, lie too deep or are too many: left out of their rows"
QUOTE: Final = "a quote without its other half: it counts as a letter"
LEFT_OPEN: Final = "a delimiter in a cell without quotes: the cells around it tell which it belongs to"
MENDED: Final = (TEXT, NUMBER, LEFT_OUT, QUOTE, LEFT_OPEN)
"""What is odd about rows that are used all the same: a caller who could hide his rows with it would."""
TOO_LONG: Final = "line too long"
CUT: Final = "bad JSON: the line breaks off; only the fields before the break are used"


class OtherLineError(ValueError):
    """A line is none of the records of its log, and was not meant to be one."""


_CREDENTIAL: Final = re.compile(r"(?i)((?:authorization|api[-_]?key|cookie|password|secret)\W{1,12}?)\w[^\"'\\,}\]]*")


@dataclass(frozen=True, slots=True)
class Rejection:
    """One row that was left out, and why."""

    file: str
    line: int
    """Line of a text file, row of a Parquet file, both from 1."""
    reason: str
    raw: str | None = None
    """How the row begins, where it can be shown."""

    def to_dict(self) -> dict[str, object]:
        """Return the row of the rejected file; what looks like a credential in it is blotted out."""
        raw = None if self.raw is None else _CREDENTIAL.sub(r"\1***", self.raw)
        return {"file": self.file, "line": self.line, "reason": self.reason, "raw": raw}


@dataclass
class RejectedRows:
    """Counts rejections, remembers the first few, and writes all of them to a JSON Lines file.

    The file is opened at the first rejection, so a clean log leaves none behind.
    """

    path: Path | None = None
    shown: int = SHOWN
    """How many are remembered."""
    count: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """How often each reason was given, without what follows its colon."""
    first: list[Rejection] = field(default_factory=list)
    told: dict[str, None] = field(default_factory=dict)
    """How logs were understood that are not in our own form: a line each."""
    seen: dict[str, None] = field(default_factory=dict)
    """Fields of logs that are not in our own form."""
    guessed: list[FieldMap] = field(default_factory=list)
    """Field maps that logs of this run suggested."""
    tables: SeenTables = field(default_factory=SeenTables)
    """Tables in the requests of logs that hold whole bodies."""
    others: Counter[str] = field(default_factory=Counter)
    """Lines of another kind, by file."""
    mended: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rows that are used although something is odd about them, by file and by what that is."""
    _specs: set[tuple[str | None, FeatureSpec]] = field(default_factory=set)
    _files: Counter[str] = field(default_factory=Counter)
    """How many rows of each file are remembered."""
    _stream: IO[bytes] | None = None

    @property
    def reasons_in_words(self) -> str:
        """The three reasons that were given most often, with how often; empty if there is none."""
        return ", ".join(f"{reason} ({n:,} row{'s' * (n > 1)})" for reason, n in self.reasons.most_common(3))

    def tell(self, words: str) -> None:
        """Note how a log was understood."""
        self.told[words] = None

    def see(self, source: str, fields: Iterable[str]) -> None:
        """Note which fields a log has."""
        self.seen |= dict.fromkeys(list(fields)[:SHOWN_FIELDS])

    def learn(self, spec: FeatureSpec | None, model: str | None = None) -> None:
        """Note what a field map says that a model takes; any of which it says nothing else, where it names none."""
        if spec is not None:
            self._specs.add((model, spec))

    def spec_of(self, model: str) -> FeatureSpec | None:
        """Return what a model takes, where a field map or bodies tell; None if two maps name different things."""
        own = [spec for name, spec in self._specs if name == model]
        said = own or [spec for name, spec in self._specs if name is None]
        return said[0] if len(said) == 1 else self.tables.spec_of(model)

    def add(self, rejections: Iterable[Rejection]) -> None:
        """Take note of rows that were left out.

        Raises:
            InputError: If the file cannot be written.
        """
        for rejection in rejections:
            if rejection.reason == OTHER:
                self.others[rejection.file] += 1
                continue
            if rejection.reason in MENDED:
                self.mended[rejection.file, rejection.reason] += 1
                continue
            self.count += 1
            self.reasons[rejection.reason.split(":")[0]] += 1
            if len(self.first) < self.shown or self._makes_room(rejection.file):
                self.first.append(rejection)
                self._files[rejection.file] += 1
            if self.path is not None:
                self._write(self.path, rejection)

    def tell_others(self) -> None:
        """Note how many lines of another kind lie between the records of each file, and how many rows were mended."""
        for file, count in self.others.items():
            lines = "line of another kind lies" if count == 1 else "lines of another kind lie"
            self.tell(f"{file}: {count:,} {lines} between the records")
        self.others.clear()
        for (file, what), count in self.mended.items():
            self.tell(f"{file}: {count:,} row{'s have' if count > 1 else ' has'} {what}")
        self.mended.clear()

    def _makes_room(self, file: str) -> bool:
        """Forget the last row of the file that most are remembered of, for a file of which none is.

        So one file full of rubbish does not hide that another one was cut short.
        """
        if not self.first or file in self._files:
            return False
        loudest, rows = self._files.most_common(1)[0]
        if rows < 2:
            return False
        del self.first[max(place for place, one in enumerate(self.first) if one.file == loudest)]
        self._files[loudest] -= 1
        return True

    def called(self, file: str) -> "RejectedRows":
        """Return the same of a file that is called otherwise here."""
        return replace(self, first=[replace(one, file=file) for one in self.first])

    def absorb(self, other: "RejectedRows") -> None:
        """Take note of what somebody else did who remembers all, as if it had been met here.

        Raises:
            InputError: If the file cannot be written.
        """
        self.add(other.first)
        self.told |= other.told
        self.seen |= other.seen
        self._specs |= other._specs
        self.guessed += other.guessed
        self.tables.absorb(other.tables)

    def _write(self, path: Path, rejection: Rejection) -> None:
        try:
            if self._stream is None:
                self._stream = path.open("wb")
            self._stream.write(orjson.dumps(rejection.to_dict(), option=orjson.OPT_APPEND_NEWLINE))
        except OSError as failed:
            raise InputError(
                f"cannot be written: {failed.strerror}", where=str(path), hint="Choose another file with --rejected"
            ) from failed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
