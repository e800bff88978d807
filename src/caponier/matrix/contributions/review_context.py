"""What a contribution is held against: a version of a matrix, and what else is proposed for it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from caponier.matrix import crosswalk
from caponier.matrix.contributions.contribution_form import ContributionForm
from caponier.matrix.contributions.form import ContributionKind
from caponier.matrix.technique import Color
from caponier.matrix.versions.catalogue import Matrix, load

TOP: Final[Mapping[str, str]] = {
    "amltm-2020": r"AMLTM\.[A-Z]+\.[0-9]{2}",
    "atlas": r"AML\.T[0-9]{4}",
    "attack": r"T[0-9]{4}",
}
"""Shape of the id of a technique, by kind of matrix."""
BELOW: Final[Mapping[str, str]] = {
    "amltm-2020": r"\.([0-9]{2}|V[0-9]{1,2})",
    "atlas": r"\.[0-9]{3}",
    "attack": r"\.[0-9]{3}",
}
"""What the id of a sub-technique or variant adds to that of its parent."""
STUDY: Final[Mapping[str, str]] = {
    "amltm-2020": r"AMLTM\.CS[0-9]{4}",
    "atlas": r"AML\.CS[0-9]{4}",
    "attack": r"C[0-9]{4}",
}
"""Shape of the id of a new case study."""
SHAPES: Final[Mapping[str, str]] = {
    "amltm-2020": "AMLTM.EVADE.04, AMLTM.EVADE.01.03 or AMLTM.EVADE.01.V5",
    "atlas": "AML.T0200 or AML.T0043.010",
    "attack": "T1234 or T1234.001",
}
_ATTACK: Final = re.compile(r"T[0-9]{4}(\.[0-9]{3})?")


@dataclass(frozen=True, slots=True)
class Known:
    """What steps and parents need to know of an entry, be it there or proposed."""

    tactics: tuple[str, ...]
    parent: str | None
    color: Color | None


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """A version, and the sheets that are reviewed together against it."""

    matrix: Matrix
    sheets: Sequence[ContributionForm]
    _proposed: dict[str, Known] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        proposed: dict[str, Known] = {}
        for sheet in of_kind(self.sheets, ContributionKind.TECHNIQUE):
            color = Color(sheet.text("color")) if sheet.text("color") else None
            known = Known(sheet.texts("tactics"), sheet.text("parent") or None, color)
            if sheet.text("id"):
                proposed.setdefault(sheet.text("id"), known)
        object.__setattr__(self, "_proposed", proposed)

    def entry(self, id_: str) -> Known | None:
        """Return what is known of an entry, or None if it is neither there nor proposed."""
        if id_ in self.matrix:
            there = self.matrix.technique(id_)
            return Known(there.tactics, there.parent, there.color)
        return self._proposed.get(id_)

    @property
    def proposed_ids(self) -> tuple[str, ...]:
        """The ids of all entries and case studies that are proposed."""
        return tuple(sheet.text("id") for sheet in self.sheets)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all entries, there and proposed."""
        return (*(technique.id for technique in self.matrix.techniques), *self._proposed)

    def colors(self, id_: str) -> frozenset[Color]:
        """Return the colours that a step may have: one of the 2020 matrix, or what the crosswalk says of an ATLAS id.

        What only ATLAS has is special to ML; ids of ATT&CK are white.
        """
        if is_attack(id_):
            return frozenset({Color.WHITE})
        entry = self.entry(id_)
        if entry and entry.color:
            return frozenset({entry.color})
        founding = (load().technique(row.id).color for row in crosswalk.load().from_atlas(id_))
        return frozenset(color for color in founding if color) or frozenset({Color.ORANGE})


def is_attack(id_: str) -> bool:
    """Return whether an id has the shape of an ATT&CK technique."""
    return _ATTACK.fullmatch(id_) is not None


def of_kind(sheets: Iterable[ContributionForm], kind: ContributionKind) -> list[ContributionForm]:
    """Return the sheets that contribute this."""
    return [sheet for sheet in sheets if sheet.kind is kind]


@dataclass(frozen=True, slots=True)
class Series:
    """The numbers of a column, or of what is below a parent."""

    prefix: str
    digits: int
    free: int
    """The next number, past every one that was ever given."""

    @property
    def next(self) -> str:
        """The next free id."""
        return self.id(self.free)

    def id(self, number: int) -> str:
        """Return the id of a number."""
        return f"{self.prefix}{number:0{self.digits}}"

    def number(self, id_: str) -> int | None:
        """Return the number of an id; None if it is none of this series."""
        tail = id_.removeprefix(self.prefix)
        own = id_.startswith(self.prefix) and re.fullmatch(f"[0-9]{{{self.digits}}}", tail)
        return int(tail) if own else None

    def oddness(self, id_: str, proposed: Iterable[str]) -> str:
        """Say what is odd about the number of an id that is free; nothing if it is the next one.

        Args:
            id_: The id.
            proposed: Those that are proposed together with it.
        """
        number, beside = self.number(id_), set(proposed)
        if number is None:
            return ""
        if number < self.free:
            return f"{id_} is in a gap: the number may have been another's in an older version"
        skipped = any(self.id(between) not in beside for between in range(self.free, number))
        return f"{id_} skips a number" if skipped else ""


def series(matrix: Matrix, tactic: str, parent: str | None) -> Series:
    """Return the numbers of a column, or of what is below a parent."""
    if parent:
        prefix, digits = f"{parent}.", 2 if matrix.kind == "amltm-2020" else 3
    elif matrix.kind == "amltm-2020":
        prefix, digits = f"{tactic}.", 2
    else:
        prefix, digits = "AML.T" if matrix.kind == "atlas" else "T", 4
    # ATLAS alone counts what is below a technique from 0.
    empty = Series(prefix, digits, 0 if parent and matrix.kind == "atlas" else 1)
    return _past(empty, _ids(matrix))


def study_series(matrix: Matrix) -> Series:
    """Return the numbers of the case studies."""
    empty = {"amltm-2020": Series("AMLTM.CS", 2, 1), "atlas": Series("AML.CS", 4, 0), "attack": Series("C", 4, 1)}
    return _past(empty[matrix.kind], (study.id for study in matrix.studies))


def _past(numbers: Series, ids: Iterable[str]) -> Series:
    """Return the series with its next number past those of all ids."""
    taken = [number for id_ in ids if (number := numbers.number(id_)) is not None]
    return replace(numbers, free=max((*taken, numbers.free - 1)) + 1)


def _ids(matrix: Matrix) -> tuple[str, ...]:
    # An id that was taken back is never given again.
    return (*(technique.id for technique in matrix.techniques), *(gone.id for gone in matrix.retired))
