"""The incident: findings and context joined by who acted, on what, and when, in order of tactics."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from caponier.matrix.technique import TechniqueRef
from caponier.records.finding import Severity, SubjectRef


class Strategy(StrEnum):
    """How attackers went about it, in the three kinds that the 2020 matrix names."""

    TRADITIONAL = "traditional"
    """White techniques only."""
    ADVERSARIAL_ML = "adversarial-ml"
    """Orange techniques only."""
    COMBINED = "combined"


class Stage(StrEnum):
    """How far an incident is."""

    OPEN = "open"
    CONTAINED = "contained"
    REMEDIATED = "remediated"
    VERIFIED = "verified"
    CLOSED = "closed"


TRANSITIONS: Final[dict[Stage, frozenset[Stage]]] = {
    Stage.OPEN: frozenset({Stage.CONTAINED, Stage.REMEDIATED, Stage.CLOSED}),
    Stage.CONTAINED: frozenset({Stage.OPEN, Stage.REMEDIATED, Stage.CLOSED}),
    Stage.REMEDIATED: frozenset({Stage.OPEN, Stage.VERIFIED}),
    Stage.VERIFIED: frozenset({Stage.OPEN, Stage.CLOSED}),
    Stage.CLOSED: frozenset({Stage.OPEN}),
}
"""From each stage to those that may follow; back to open is a reopening."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an incident's timeline."""

    time: datetime
    tactic: str
    """Name of the tactic of the 2020 matrix, or of ATT&CK where that has no column for it."""
    techniques: tuple[TechniqueRef, ...]
    subject: SubjectRef
    finding_id: str | None
    """None for context: an event on no ML asset, kept because its actor touched one later."""
    event_ids: tuple[str, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote about an incident."""

    time: datetime
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """What belongs together of what was found."""

    incident_id: str
    stage: Stage
    actors: tuple[str, ...]
    """Principals, accounts and addresses that are one actor by the inventory's identities."""
    systems: tuple[str, ...]
    models: tuple[str, ...]
    strategy: Strategy
    severity: Severity
    harms: tuple[str, ...]
    first_time: datetime
    last_time: datetime
    finding_ids: tuple[str, ...]
    steps: tuple[Step, ...]
    """In order of time."""
    owner: str | None = None
    notes: tuple[Note, ...] = ()

    @property
    def tactics(self) -> tuple[str, ...]:
        """The tactics of its steps, each once, in order of their first step."""
        return tuple(dict.fromkeys(step.tactic for step in self.steps))
