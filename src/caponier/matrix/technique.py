"""The nouns of a matrix: a tactic, a technique, and a reference to a technique of a named matrix."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Color(StrEnum):
    """The two kinds of technique of the 2020 matrix."""

    ORANGE = "orange"
    """Special to machine learning."""
    WHITE = "white"
    """From ATT&CK Enterprise."""


class Harm(StrEnum):
    """Which property of the ML system a technique harms."""

    CONFIDENTIALITY = "confidentiality"
    INTEGRITY = "integrity"
    AVAILABILITY = "availability"


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
