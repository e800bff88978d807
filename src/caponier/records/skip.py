"""The skip: something that was not read, judged or done, and why. Nothing is passed over in silence."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Skip:
    """Something that was not read, judged or done."""

    what: str
    """A file, a model, a detector of a model: whatever would have been looked at."""
    reason: str

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"

    def to_dict(self) -> dict[str, str]:
        """Return the JSON form, the same in every document."""
        return {"what": self.what, "reason": self.reason}
