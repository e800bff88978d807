"""The skip: something that was not read, judged or done, and why. Nothing is passed over in silence."""

from collections.abc import Iterable
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


def in_words(skipped: Iterable[Skip]) -> list[str]:
    """Return a line for each; parts of one thing that lack the same, such as detectors, stand in one."""
    alike: dict[tuple[str, str], list[str]] = {}
    for skip in skipped:
        of, _, part = skip.what.rpartition(": ")
        alike.setdefault((of or skip.what, skip.reason), []).append(part if of else "")
    lines = []
    for (of, why), parts in alike.items():
        named = ", ".join(filter(None, parts))
        lines += [f"{of}: {why}" for part in parts if not part] + ([f"{of}: {named}: {why}"] if named else [])
    return lines
