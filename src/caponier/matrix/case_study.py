"""A case study with its steps: how attackers went about it, on which system, in which order."""

from dataclasses import dataclass, fields
from enum import StrEnum

from caponier.matrix.evidence import Study


class Strategy(StrEnum):
    """How attackers went about it, in the three kinds that the 2020 matrix names."""

    TRADITIONAL = "traditional"
    """White techniques only."""
    ADVERSARIAL_ML = "adversarial-ml"
    """Orange techniques only."""
    COMBINED = "combined"

    @property
    def words(self) -> str:
        """The strategy as a sentence for people."""
        return _STRATEGY_WORDS[self]


_STRATEGY_WORDS = {
    Strategy.TRADITIONAL: "by ordinary means only",
    Strategy.ADVERSARIAL_ML: "through the model only",
    Strategy.COMBINED: "by ordinary means and through the model",
}


@dataclass(frozen=True, slots=True)
class StudyStep:
    """One step of a case study."""

    tactic: str
    """Id of the tactic that the step served, in the matrix of the study."""
    technique: str
    """Id of the technique, in the matrix of the study; some studies name ATT&CK ids."""
    summary: str = ""
    leads_to: tuple[int, ...] | None = None
    """Places (from 1) of the steps that this one made possible; None where the source only lists steps in order."""


@dataclass(frozen=True, slots=True)
class CaseStudy(Study):
    """A study whose attack is known step by step, in order."""

    steps: tuple[StudyStep, ...] = ()
    actors: tuple[str, ...] = ()
    target: str = ""
    strategy: Strategy | None = None
    references: tuple[str, ...] = ()
    """Addresses of public reports; `reference` is the first of them."""
    summary: str = ""
    same_as: str | None = None
    """Id of the same study in another matrix."""

    def shows(self, technique: str) -> bool:
        """Tell whether a step names the technique."""
        return any(step.technique == technique for step in self.steps)

    @property
    def as_evidence(self) -> Study:
        """The study without its steps, as the source of an entry names it."""
        return Study(**{field.name: getattr(self, field.name) for field in fields(Study)})
