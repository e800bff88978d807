"""The incident: findings and context joined by who acted, on what, and when, in order of tactics."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from caponier.matrix.case_study import Strategy
from caponier.matrix.technique import TechniqueRef
from caponier.records.finding import Severity, SubjectRef, rfc3339


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

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "time": rfc3339(self.time),
            "tactic": self.tactic,
            "techniques": [technique.to_dict() for technique in self.techniques],
            "subject": self.subject.to_dict(),
            "finding_id": self.finding_id,
            "event_ids": list(self.event_ids),
            "summary": self.summary,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read the JSON form back.

        Raises:
            KeyError: If a key is missing.
            ValueError: If a value has no meaning here.
        """
        return cls(
            time=datetime.fromisoformat(plain["time"]),
            tactic=plain["tactic"],
            techniques=tuple(TechniqueRef.from_dict(technique) for technique in plain["techniques"]),
            subject=SubjectRef.from_dict(plain["subject"]),
            finding_id=plain["finding_id"],
            event_ids=tuple(plain["event_ids"]),
            summary=plain["summary"],
        )


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote about an incident."""

    time: datetime
    author: str
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"time": rfc3339(self.time), "author": self.author, "text": self.text}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read the JSON form back.

        Raises:
            KeyError: If a key is missing.
        """
        return cls(datetime.fromisoformat(plain["time"]), plain["author"], plain["text"])


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
    stage_since: datetime | None = None
    """When it came to its stage; None while it is where it began."""
    merged: tuple[str, ...] = ()
    """Ids of incidents that turned out to be this one."""

    @property
    def tactics(self) -> tuple[str, ...]:
        """The tactics of its steps, each once, in order of their first step."""
        return tuple(dict.fromkeys(step.tactic for step in self.steps))

    @property
    def named(self) -> tuple[str, ...]:
        """The actors in words: kind and name."""
        return tuple(name.replace(":", " ", 1) for name in self.actors)

    @property
    def things(self) -> tuple[str, ...]:
        """The files and data sets that its steps are about, by path where it is known."""
        about = (step.subject for step in self.steps if step.subject.kind in ("file", "row", "source"))
        return tuple(dict.fromkeys(one.path or one.in_words for one in about))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, an entry of the document `caponier.incidents/1`."""
        return {
            "incident_id": self.incident_id,
            "stage": self.stage.value,
            "stage_since": rfc3339(self.stage_since) if self.stage_since else None,
            "actors": list(self.actors),
            "systems": list(self.systems),
            "models": list(self.models),
            "strategy": self.strategy.value,
            "severity": self.severity.value,
            "harms": list(self.harms),
            "first_time": rfc3339(self.first_time),
            "last_time": rfc3339(self.last_time),
            "finding_ids": list(self.finding_ids),
            "steps": [step.to_dict() for step in self.steps],
            "owner": self.owner,
            "notes": [note.to_dict() for note in self.notes],
            "merged": list(self.merged),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read the JSON form back: `Incident.from_dict(incident.to_dict()) == incident`.

        Raises:
            KeyError: If a key is missing.
            ValueError: If a value has no meaning here.
        """
        return cls(
            incident_id=plain["incident_id"],
            stage=Stage(plain["stage"]),
            actors=tuple(plain["actors"]),
            systems=tuple(plain["systems"]),
            models=tuple(plain["models"]),
            strategy=Strategy(plain["strategy"]),
            severity=Severity(plain["severity"]),
            harms=tuple(plain["harms"]),
            first_time=datetime.fromisoformat(plain["first_time"]),
            last_time=datetime.fromisoformat(plain["last_time"]),
            finding_ids=tuple(plain["finding_ids"]),
            steps=tuple(Step.from_dict(step) for step in plain["steps"]),
            owner=plain["owner"],
            notes=tuple(Note.from_dict(note) for note in plain["notes"]),
            stage_since=datetime.fromisoformat(plain["stage_since"]) if plain["stage_since"] else None,
            merged=tuple(plain["merged"]),
        )
