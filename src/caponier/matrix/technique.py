"""The nouns of a matrix: a tactic, a technique, and a reference to a technique of a named matrix."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from caponier.matrix.evidence import EntryEvidence, Maturity


class Color(StrEnum):
    """The two kinds of technique of the 2020 matrix."""

    ORANGE = "orange"
    """Special to machine learning."""
    WHITE = "white"
    """From ATT&CK Enterprise."""

    @property
    def words(self) -> str:
        """The colour and what it means, for people."""
        return f"{self.value}: {_COLOR_WORDS[self]}"


_COLOR_WORDS = {Color.ORANGE: "special to ML", Color.WHITE: "from ATT&CK Enterprise"}


class Harm(StrEnum):
    """Which property of the ML system a technique harms."""

    CONFIDENTIALITY = "confidentiality"
    INTEGRITY = "integrity"
    AVAILABILITY = "availability"


class Level(StrEnum):
    """Where an entry stands in its column."""

    TECHNIQUE = "technique"
    SUB_TECHNIQUE = "sub-technique"
    VARIANT = "variant"
    """Named in the text of a technique, without a cell of its own."""


@dataclass(frozen=True, slots=True, order=True)
class TechniqueId:
    """A technique of a matrix, by id only: what a detector declares."""

    matrix: str
    """`atlas`, `attack` or `amltm-2020`."""
    id: str


@dataclass(frozen=True, slots=True)
class TechniqueRef:
    """A technique of a matrix with its name, as a finding carries it."""

    matrix: str
    id: str
    name: str
    color: Color | None = None
    """Only the 2020 matrix has colours."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of contract `caponier.findings/1`."""
        plain: dict[str, Any] = {"matrix": self.matrix, "id": self.id, "name": self.name}
        if self.color is not None:
            plain["color"] = self.color.value
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Read the JSON form back.

        Raises:
            KeyError: If a key is missing.
            ValueError: If there is no such colour.
        """
        color = plain.get("color")
        return cls(plain["matrix"], plain["id"], plain["name"], None if color is None else Color(color))


@dataclass(frozen=True, slots=True)
class Tactic:
    """A column of a matrix: what the attacker wants of the ML subsystem."""

    id: str
    name: str
    attack: str | None = None
    """The ATT&CK Enterprise tactic of the same meaning."""
    v1_id: str | None = None
    """Id in MITRE's first data release of March 2021."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Technique:
    """One entry of a matrix: knowledge about attackers, and nothing else.

    There is no field for a defence or a rank of risk on purpose: the matrix suggests none and orders none.
    """

    id: str
    name: str
    level: Level
    tactics: tuple[str, ...]
    position: int
    """Place in its column or under its parent, from 1."""
    parent: str | None = None
    color: Color | None = None
    attack: str | None = None
    """Id of the ATT&CK Enterprise technique that the entry carries."""
    attack_also: tuple[str, ...] = ()
    attack_basis: str | None = None
    """How sure that ATT&CK id is."""
    v1_id: str | None = None
    """Id in MITRE's first data release of March 2021."""
    same_as: str | None = None
    """The same entry in another column."""
    seen_in: tuple[str, ...] = ()
    """`page` = described in the text of 2020, `image` = drawn in its picture."""
    harms: tuple[Harm, ...] = ()
    """What the act itself harms; empty for acts that only prepare others."""
    description: str = ""
    maturity: Maturity | None = None
    """Only ATLAS entries have one."""
    evidence: EntryEvidence | None = None

    @property
    def attack_ids(self) -> tuple[str, ...]:
        """Every ATT&CK id of the entry, the surest first."""
        return ((self.attack,) if self.attack else ()) + self.attack_also


@dataclass(frozen=True, slots=True)
class Retirement:
    """An entry that a version of a matrix has taken back, with what it says to use instead."""

    id: str
    name: str
    replaced_by: str | None = None
    """None if the entry was deprecated without a replacement."""
