"""A suppression: findings that somebody does not want to be told, for a reason and until a day."""

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Self

from caponier.records.finding import Finding


@dataclass(frozen=True, slots=True)
class Suppression:
    """Which findings are kept back; what is left open fits everything. `*` and `?` are wildcards."""

    suppression_id: str
    reason: str
    author: str
    created: datetime
    expires: datetime
    detector: str | None = None
    subject: str | None = None
    """Name of the account, address … that acted."""
    target: str | None = None
    """As the finding lists it, such as `bucket ml-models`; every target of the finding has to fit."""
    system: str | None = None

    def fits(self, finding: Finding) -> bool:
        """Tell whether a finding is meant."""
        targets = [str(name) for name in finding.evidence.facts.get("targets") or ()]
        subject = finding.subject
        wanted = (
            # As rules call themselves, and as findings call them.
            (self.detector, (finding.detector, finding.detector.removeprefix("sigma:"))),
            # As lists print it; and of a session that assumed a role the role, since each session has another name.
            (self.subject, (subject.id, f"{subject.kind} {subject.id}", subject.id.partition("/")[0])),
            (self.system, (finding.system,)),
        )
        named = all(any(_is(pattern, name) for name in names) for pattern, names in wanted if pattern is not None)
        return named and (self.target is None or (bool(targets) and all(_is(self.target, name) for name in targets)))

    @property
    def scope(self) -> str:
        """What it fits, in words."""
        parts = {"detector": self.detector, "subject": self.subject, "target": self.target, "system": self.system}
        return ", ".join(f"{kind} {name}" for kind, name in parts.items() if name is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "suppression_id": self.suppression_id,
            "reason": self.reason,
            "author": self.author,
            "created": self.created.isoformat(),
            "expires": self.expires.isoformat(),
            "detector": self.detector,
            "subject": self.subject,
            "target": self.target,
            "system": self.system,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read the JSON form back.

        Raises:
            KeyError: If a key is missing.
            ValueError: If a time has no meaning.
        """
        moments = {name: datetime.fromisoformat(plain[name]) for name in ("created", "expires")}
        return cls(**{**plain, **moments})


def _is(pattern: str, name: str | None) -> bool:
    return name is not None and fnmatchcase(name.lower(), pattern.strip().lower())
