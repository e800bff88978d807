"""The trial: one emulated attack and its benign control against one detector, on one version of Caponier."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it. A technique is validated only by a trial whose attack succeeded and whose control was silent."""

    trial_id: str
    detector: str
    techniques: tuple[TechniqueId, ...]
    emulation: str
    control: str
    target: str
    """What was attacked, such as `digits-mlp`."""
    caponier_version: str
    time: datetime
    attack_succeeded: bool
    """By the attack's own measure, before any detector was asked."""
    detected: bool
    control_silent: bool
    figures: dict[str, Any] = field(default_factory=dict)
    """Such as different queries to the first finding, or recall and precision."""

    @property
    def passed(self) -> bool:
        """Whether the trial validates its detector for its techniques."""
        return self.attack_succeeded and self.detected and self.control_silent
