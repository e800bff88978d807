"""How the 2020 matrix and ATLAS 5.6 map to each other, in both directions, with the reason for each row."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Literal

from pydantic import Field

from caponier.matrix.shipped import Shape, read
from caponier.matrix.technique import TechniqueId


class Relation(StrEnum):
    """How the entries of a target relate to the entry that is mapped."""

    EXACT = "exact"
    BROADER = "broader"
    NARROWER = "narrower"
    SPLIT = "split"
    RELATED = "related"
    NONE = "none"

    @property
    def words(self) -> str:
        """The relation as a sentence for people."""
        return _RELATION_WORDS[self]


_RELATION_WORDS = {
    Relation.EXACT: "the same behaviour",
    Relation.BROADER: "the counterpart covers more",
    Relation.NARROWER: "the counterpart covers only a part",
    Relation.SPLIT: "several entries together cover it",
    Relation.RELATED: "the counterpart resembles it, but is another behaviour",
    Relation.NONE: "there is no counterpart",
}


@dataclass(frozen=True, slots=True)
class Mapping:
    """One row: a 2020 entry and its nearest ATLAS entries, best first."""

    id: str
    relation: Relation
    atlas: tuple[str, ...]
    also: tuple[str, ...]
    """Related ATLAS entries worth showing next to it."""
    reason: str


@dataclass(frozen=True, slots=True)
class TacticMapping:
    """A 2020 tactic and its nearest ATLAS tactics."""

    id: str
    atlas: tuple[str, ...]
    note: str | None = None


class NewerRelease(Shape):
    """Rows that a later ATLAS release makes better; what it did to ids and names stands in the table of successions."""

    version: str
    format_version: str
    checked: bool
    """False while the rows come from public notes and not from the release itself."""
    techniques: tuple[Mapping, ...]


class Crosswalk(Shape):
    """All rows between two matrix versions."""

    schema_: Literal["caponier.crosswalk/1"] = Field(alias="schema")
    source: str
    target: str
    tactics: tuple[TacticMapping, ...]
    atlas_tactics_without_2020_column: tuple[str, ...]
    techniques: tuple[Mapping, ...]
    newer_release: NewerRelease

    def mapping(self, id_: str) -> Mapping | None:
        """Return the row of a 2020 entry, if it has one."""
        return next((row for row in self.techniques if row.id == id_), None)

    def tactic(self, id_: str) -> TacticMapping | None:
        """Return the row of a 2020 tactic, if it has one."""
        return next((row for row in self.tactics if row.id == id_), None)

    def from_atlas(self, atlas_id: str) -> tuple[Mapping, ...]:
        """Return the rows that map to the ATLAS entry."""
        return tuple(row for row in self.techniques if atlas_id in row.atlas)

    def near_atlas(self, atlas_id: str) -> tuple[Mapping, ...]:
        """Return the rows for which the ATLAS entry is only worth seeing."""
        return tuple(row for row in self.techniques if atlas_id in row.also)


@cache
def load() -> Crosswalk:
    """Return the crosswalk that ships with the package."""
    return read("crosswalk.yaml", Crosswalk)


def to_atlas(id_: str) -> tuple[TechniqueId, ...]:
    """Return the ATLAS techniques of a 2020 entry, best first; empty if there are none."""
    row = load().mapping(id_)
    return tuple(TechniqueId("atlas", atlas_id) for atlas_id in row.atlas) if row else ()


def to_2020(atlas_id: str) -> tuple[TechniqueId, ...]:
    """Return the 2020 entries that map to an ATLAS technique; empty if there are none."""
    return tuple(TechniqueId("amltm-2020", row.id) for row in load().from_atlas(atlas_id))
