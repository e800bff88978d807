"""How Microsoft's failure modes of 2019 map to the 2020 matrix and to ATLAS, in both directions, with reasons."""

import datetime
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Literal

from pydantic import Field

from caponier.matrix.crosswalk import Relation
from caponier.matrix.evidence import Precision
from caponier.matrix.shipped import Shape, read
from caponier.matrix.technique import Harm


class Intent(StrEnum):
    """Whether somebody attacks."""

    INTENTIONAL = "intentional"
    UNINTENTIONAL = "unintentional"


@dataclass(frozen=True, slots=True)
class FailureMode:
    """One mode and the entries nearest to it; without any, the reason says why."""

    number: int
    """Its number in the document, from 1."""
    name: str
    intent: Intent
    harms: tuple[Harm, ...]
    """What the document says is compromised; of unintentional modes it only says that safety is."""
    relation: Relation
    """How the 2020 entries stand to the mode."""
    ids: tuple[str, ...]
    """Entries of the 2020 matrix, best first."""
    atlas: tuple[str, ...]
    """The nearest ATLAS entries, best first."""
    also: tuple[str, ...]
    """Entries of either matrix worth showing next to it."""
    reason: str

    @property
    def id(self) -> str:
        """A short id that it can be asked for by: `FM1` to `FM17`."""
        return f"FM{self.number}"

    @property
    def entries(self) -> tuple[str, ...]:
        """The entries of both matrices that the mode maps to."""
        return self.ids + self.atlas


class FailureModes(Shape):
    """The document and a row for each of its modes."""

    schema_: Literal["caponier.failure-modes/1"] = Field(alias="schema")
    title: str
    authors: tuple[str, ...]
    released: datetime.date
    precision: Precision
    reference: str
    matrix: str
    atlas: str
    modes: tuple[FailureMode, ...]

    def mode(self, number: int) -> FailureMode | None:
        """Return the mode of that number in the document, if it has one."""
        return next((mode for mode in self.modes if mode.number == number), None)

    def named(self, text: str) -> FailureMode | None:
        """Return the mode of a short id (`FM10`) or of a name, in any case of letters."""
        wanted = text.strip().casefold()
        return next((mode for mode in self.modes if wanted in (mode.id.casefold(), mode.name.casefold())), None)

    def of(self, id_: str) -> tuple[FailureMode, ...]:
        """Return the modes that map to an entry of the 2020 matrix or of ATLAS."""
        return tuple(mode for mode in self.modes if id_ in mode.entries)

    def near(self, id_: str) -> tuple[FailureMode, ...]:
        """Return the modes for which the entry is only worth seeing."""
        return tuple(mode for mode in self.modes if id_ in mode.also)


@cache
def load() -> FailureModes:
    """Return the failure modes that ship with the package."""
    return read("failure-modes.yaml", FailureModes)
