"""What became of ATLAS ids from release to release: the curated table, which is the one place that knows it."""

import datetime
import re
from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from caponier.matrix.shipped import Shape, read
from caponier.matrix.versions import atlas_releases
from caponier.matrix.versions.catalogue import Matrix

_NUMBERS: Final = re.compile(r"atlas-(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?![\d.])")
_ATTACK: Final = re.compile(r"attack-enterprise-(\d{1,4}\.\d{1,4})")
_CALENDAR: Final = 2000
"""Releases with a greater first number are named by year and month."""

Place = tuple[int, int, int]
"""Where a version stands in the order of releases."""


class ChangeKind(StrEnum):
    """What a release did with an id."""

    REPLACED = "replaced"
    SPLIT = "split"
    MERGED = "merged"
    DIVIDED = "divided"
    """The id stays, and got parts below it."""
    MEANING = "meaning"
    """The id stays, and stands for something else or for more."""


class Row(Shape):
    """One change of ids in one release."""

    release: str = Field(alias="in")
    change: ChangeKind
    before: tuple[str, ...] = Field(min_length=1)
    after: tuple[str, ...] = Field(min_length=1)
    """For a changed meaning: where the old meaning is now."""
    checked: bool
    """False while the row comes from public notes and not from the file of the release."""
    reason: str

    @model_validator(mode="after")
    def _sides_fit(self) -> Self:
        one_before, one_after = len(self.before) == 1, len(self.after) == 1
        fits = {
            ChangeKind.REPLACED: one_before and one_after,
            ChangeKind.SPLIT: one_before and not one_after,
            ChangeKind.MERGED: one_after and not one_before,
            ChangeKind.DIVIDED: one_before and not one_after,
            ChangeKind.MEANING: one_before,
        }[self.change]
        overlap = set(self.before) & set(self.after)
        if not fits or (overlap and self.change is not ChangeKind.MEANING):
            raise ValueError(f"{', '.join(self.before)}: the ids do not fit a change called {self.change}")
        return self

    @property
    def said(self) -> str:
        """The reason, with the release and how sure that is."""
        doubt = "" if self.checked else ", from public notes that were not checked against its file"
        return f"ATLAS {self.release}{doubt}: {self.reason}"


class NewName(Shape):
    """A name that a release gave which does not ship with the package."""

    release: str = Field(alias="in")
    id: str
    name: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Successors:
    """The ids that took over from one that is gone, and the rows that say so."""

    ids: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


class SuccessionTable(Shape):
    """All rows, oldest release first."""

    schema_: Literal["caponier.successions/1"] = Field(alias="schema")
    matrix: str
    """Which matrix the ids belong to."""
    changes: tuple[Row, ...]
    names: tuple[NewName, ...] = ()

    def successors(self, id_: str, present: Container[str]) -> Successors:
        """Follow an id that is gone to the present ids in its place, into a newer version or back into an older one."""
        return self._follow(id_, present, onward=True) or self._follow(id_, present, onward=False) or Successors()

    def turns(self, id_: str, before: Matrix, after: Matrix) -> tuple[Row, ...]:
        """Return the rows between two versions in which an id stayed but got another meaning or parts below it."""
        rows = [
            row
            for row in self.changes
            if row.change in (ChangeKind.DIVIDED, ChangeKind.MEANING) and row.before == (id_,)
        ]
        return tuple(row for row in rows if self._between(row, before, after))

    def origins(self, id_: str, before: Matrix, after: Matrix) -> tuple[Row, ...]:
        """Return the rows between two versions by which an id took its meaning from one that stayed."""
        rows = [
            row for row in self.changes if row.change in (ChangeKind.DIVIDED, ChangeKind.MEANING) and id_ in row.after
        ]
        return tuple(row for row in rows if row.before != (id_,) and self._between(row, before, after))

    def newer_id(self, id_: str) -> Row | None:
        """Return the row of the newest release that took the id back."""
        return next(
            (row for row in reversed(self.changes) if row.change is ChangeKind.REPLACED and id_ in row.before), None
        )

    def older_id(self, id_: str) -> Row | None:
        """Return the row by which the newest release brought the id in another's place."""
        return next(
            (row for row in reversed(self.changes) if row.change is ChangeKind.REPLACED and id_ in row.after), None
        )

    def newer_name(self, id_: str) -> NewName | None:
        """Return the name that a release gave to the id which does not ship."""
        return next((row for row in self.names if row.id == id_), None)

    def _follow(self, id_: str, present: Container[str], *, onward: bool) -> Successors | None:
        open_, seen, found, used = [id_], {id_}, dict[str, None](), list[Row]()
        while open_:
            here = open_.pop(0)
            for row in self.changes:
                old, new = (row.before, row.after) if onward else (row.after, row.before)
                if row.change in (ChangeKind.DIVIDED, ChangeKind.MEANING) or here not in old:
                    continue
                used.append(row)
                found |= dict.fromkeys(other for other in new if other in present)
                open_ += [other for other in new if other not in present and other not in seen]
                seen |= set(new)
        return Successors(tuple(found), tuple(used)) if found else None

    @staticmethod
    def _between(row: Row, before: Matrix, after: Matrix) -> bool:
        one, other = place(before), place(after)
        if one is None or other is None:
            # An unknown order is no reason to hide a changed meaning: it is shown where the names differ.
            return _name(before, row.before[0]) != _name(after, row.before[0])
        return min(one, other) < _numbered(_numbers(row.release)) <= max(one, other)


def place(matrix: Matrix) -> Place | None:
    """Tell where a version of ATLAS stands in the order of releases; None if neither its name nor its date says."""
    named = _NUMBERS.match(matrix.version)
    if named:
        return _numbered((int(named[1]), int(named[2]), int(named[3] or 0)))
    return _dated(matrix.released) if matrix.released else None


def is_older(matrix: Matrix, other: Matrix) -> bool:
    """Tell whether the first came out before the second, as far as that is known."""
    one, two = _ATTACK.fullmatch(matrix.version), _ATTACK.fullmatch(other.version)
    if one and two:
        return _numbers(one[1]) < _numbers(two[1])
    if matrix.kind == other.kind == "atlas":
        first, second = place(matrix), place(other)
        return first is not None and second is not None and first < second
    return bool(matrix.released and other.released and matrix.released < other.released)


def _numbered(numbers: Place) -> Place:
    month = numbers[:2]
    by_number = _by_number()
    last = max(by_number.values())
    if numbers[0] < _CALENDAR or month > (last.year, last.month):
        return numbers
    # Old releases were given names by year and month later on; their numbers tell the order among all.
    return max((name for name, date in by_number.items() if (date.year, date.month) <= month), default=(0, 0, 0))


def _dated(date: datetime.date) -> Place:
    by_number = _by_number()
    if date > max(by_number.values()):
        return date.year, date.month, 0
    return max((name for name, released in by_number.items() if released <= date), default=(0, 0, 0))


@cache
def _by_number() -> dict[Place, datetime.date]:
    places = {_numbers(release.version): release.released for release in atlas_releases.releases()}
    return {numbers: date for numbers, date in places.items() if numbers[0] < _CALENDAR}


def _name(matrix: Matrix, id_: str) -> str | None:
    return matrix.technique(id_).name if id_ in matrix else None


def _numbers(release: str) -> Place:
    parts = [int(part) for part in release.split(".")]
    first, second, third = (*parts, 0, 0)[:3]
    return first, second, third


@cache
def load() -> SuccessionTable:
    """Return the table that ships with the package."""
    return read("successions.yaml", SuccessionTable)
