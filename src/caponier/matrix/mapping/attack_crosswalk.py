"""How the 2020 matrix maps to ATT&CK Enterprise, in both directions, with the reason for each row."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from pydantic import Field

from caponier.matrix.crosswalk import Relation
from caponier.matrix.shipped import Shape, read
from caponier.matrix.versions import catalogue


@dataclass(frozen=True, slots=True)
class AttackMapping:
    """One row: a 2020 entry and its nearest ATT&CK techniques, best first."""

    id: str
    relation: Relation
    reason: str
    attack: tuple[str, ...] = ()
    """The ids that the entry itself carries, or else those that are nearest to it."""
    also: tuple[str, ...] = ()
    """Related techniques worth showing next to it."""


class AttackCrosswalk(Shape):
    """All rows, and the version of ATT&CK Enterprise that they were made with."""

    schema_: Literal["caponier.attack-crosswalk/1"] = Field(alias="schema")
    source: str
    target: str
    target_version: str
    techniques: tuple[AttackMapping, ...]

    def mapping(self, id_: str) -> AttackMapping | None:
        """Return the row of a 2020 entry, if it has one."""
        return next((row for row in self.techniques if row.id == id_), None)

    def from_attack(self, attack_id: str) -> tuple[AttackMapping, ...]:
        """Return the rows that map to an ATT&CK technique."""
        return tuple(row for row in self.techniques if attack_id in row.attack)


@cache
def load() -> AttackCrosswalk:
    """Return the crosswalk that ships with the package."""
    rows = read("crosswalk-attack.yaml", AttackCrosswalk)
    entries = catalogue.load(rows.source)
    # What an entry carries is said by the matrix alone, so that the two files cannot contradict each other.
    carried = {row.id: entries.technique(row.id).attack_ids for row in rows.techniques}
    whole = tuple(replace(row, attack=carried[row.id] or row.attack) for row in rows.techniques)
    return rows.model_copy(update={"techniques": whole})
