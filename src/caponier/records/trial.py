"""The trial: one emulated attack and its benign control against one detector, on one version of Caponier."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it. A technique is validated only by a trial whose attack succeeded and whose control was silent."""

    trial_id: str
    detector: str
    techniques: tuple[TechniqueId, ...]
    """What the emulation shows and the detector names, both."""
    emulation: str
    control: str
    """The benign look-alikes, by name, separated by commas."""
    target: str
    """What was attacked, such as `digits-mlp`."""
    caponier_version: str
    time: datetime
    attack_succeeded: bool
    """By the attack's own measure, before any detector was asked."""
    detected: bool
    control_silent: bool
    """Whether the detector was silent on every one of the controls."""
    figures: dict[str, Any] = field(default_factory=dict)
    """Such as different queries to the first finding, or recall and precision."""

    @property
    def passed(self) -> bool:
        """Whether the trial validates its detector for its techniques."""
        return self.attack_succeeded and self.detected and self.control_silent

    @property
    def missed(self) -> bool:
        """Whether an attack succeeded that the detector did not see."""
        return self.attack_succeeded and not self.detected

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "trial_id": self.trial_id,
            "detector": self.detector,
            "techniques": [{"matrix": id_.matrix, "id": id_.id} for id_ in self.techniques],
            "emulation": self.emulation,
            "control": self.control,
            "target": self.target,
            "caponier_version": self.caponier_version,
            "time": self.time.isoformat(),
            "attack_succeeded": self.attack_succeeded,
            "detected": self.detected,
            "control_silent": self.control_silent,
            "figures": dict(self.figures),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read the JSON form.

        Raises:
            KeyError: If a key is missing.
            ValueError: If a value has no meaning here.
        """
        time = datetime.fromisoformat(plain["time"])
        if time.tzinfo is None:
            raise ValueError("the time of a trial needs a time zone")
        judged = {name: plain[name] for name in ("attack_succeeded", "detected", "control_silent")}
        if not all(isinstance(value, bool) for value in judged.values()):
            raise ValueError("what came of a trial is true or false")
        return cls(
            trial_id=str(plain["trial_id"]),
            detector=str(plain["detector"]),
            emulation=str(plain["emulation"]),
            control=str(plain["control"]),
            target=str(plain["target"]),
            caponier_version=str(plain["caponier_version"]),
            techniques=tuple(TechniqueId(str(id_["matrix"]), str(id_["id"])) for id_ in plain["techniques"]),
            time=time,
            **judged,
            figures=dict(plain.get("figures") or {}),
        )
