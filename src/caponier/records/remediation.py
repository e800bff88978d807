"""The remediation: what was repaired, into which new file or version, measured before and after."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class RemediationKind(StrEnum):
    """What was repaired."""

    DATASET = "dataset"
    ARTIFACT = "artifact"
    MODEL = "model"
    ROLLBACK = "rollback"
    MEMBERSHIP = "membership"
    """A model that gives away less of who was in its training data."""
    ROBUSTNESS = "robustness"
    """A model that withstands small changes of its input."""


@dataclass(frozen=True, slots=True)
class Remediation:
    """One repair, with its proof."""

    remediation_id: str
    kind: RemediationKind
    incident_id: str | None
    subject: str
    """What was repaired: a path, or a model and version."""
    kept: str
    """Where the old one still is."""
    produced: str
    """The new file or version; nothing is ever overwritten."""
    measured_on: str
    """Digest of the test set that both figures were measured on."""
    before: dict[str, float]
    after: dict[str, float]
    """The same figures of both, such as accuracy."""
    author: str
    created: datetime
    details: dict[str, Any] = field(default_factory=dict)
