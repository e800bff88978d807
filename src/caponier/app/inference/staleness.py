"""Whether a baseline still fits the traffic that is judged by it, in words and in findings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from caponier.detect.calibration.baseline import ModelBaseline
from caponier.detect.traffic_profile.drift import FEWEST, Drift, TraitHistogram, compare
from caponier.detect.traffic_profile.profile import TrafficProfile
from caponier.errors import InputError
from caponier.records.finding import Basis, Finding
from caponier.telemetry.features import Encoder

FACT: Final = "stale_baseline"
"""The fact of a finding that says in what its baseline is stale."""
COARSE: Final[Mapping[str, str]] = {
    "step": "how far queries lie from earlier ones ({0:.1f} of 127 before, {1:.1f} now)",
    "flips": "how often the answer is not the nearest earlier query's ({0:.0%} before, {1:.0%} now)",
    "repeats": "exact repeats ({0:.0%} before, {1:.0%} now)",
    "one answer": "how often a caller's most frequent answer comes ({0:.0%} before, {1:.0%} now)",
    "direction": "what inputs look like",
    "answer": "the mix of answers",
}
LEVEL: Final = "the {what} of inputs ({{0:.1f}} of 127 before, {{1:.1f}} now)"


def profile_of(section: ModelBaseline | None, encoder: Encoder) -> TrafficProfile | None:
    """Return what callers of a model were like, if its baseline says so.

    Raises:
        InputError: If that was seen of other inputs than the baseline takes.
    """
    profile = section.profile if section else None
    if profile is not None and profile.width != encoder.width:
        raise InputError(
            f"the baseline's profile of callers is of inputs of {profile.width} values, not {encoder.width}",
            where=section.model if section else None,
            hint="Build it again",
        )
    return profile


@dataclass(frozen=True)
class DriftReport:
    """How well a baseline fits the traffic of its model."""

    section: ModelBaseline
    drift: Drift

    @classmethod
    def of(cls, section: ModelBaseline, seen: TraitHistogram) -> "DriftReport | None":
        """Compare callers with those of a baseline; None if it knows nothing of what they are like."""
        return cls(section, compare(section.profile, seen)) if section.profile else None

    @property
    def changes(self) -> list[str]:
        """What has changed, in words, the most changed first; of traits that say the same only one."""
        image = self.section.spec.kind == "image"
        words = {**COARSE, "level": LEVEL.format(what="brightness" if image else "level")}
        found: dict[str, str] = {}
        for change in self.drift.changes:
            kind = change.trait if change.trait in words else change.trait.rpartition(" ")[0]
            found.setdefault(kind, words[kind].format(change.before, change.after))
        return list(found.values())

    @property
    def words(self) -> str:
        """The verdict in a sentence."""
        drift = self.drift
        if drift.stale is None:
            return (
                f"cannot tell whether the baseline is stale: it takes {FEWEST} callers with enough different queries; "
                f"this log has {drift.callers}, and the baseline {drift.known}"
            )
        if drift.stale:
            return f"the baseline is stale, and its promises do not hold; changed: {', '.join(self.changes)}"
        return f"{drift.callers} callers ask as those of the baseline did"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "model": self.section.model,
            "model_version": self.section.version,
            "created": self.section.created,
            "stale": self.drift.stale,
            "callers": self.drift.callers,
            "changes": self.changes,
        }

    def marked(self, finding: Finding) -> Finding:
        """Return a finding that says so, if it was ranked among callers who are others by now."""
        if not self.drift.stale or finding.evidence.basis in (None, Basis.COLD_START):
            return finding
        evidence = replace(finding.evidence, facts={**finding.evidence.facts, FACT: self.changes})
        return replace(finding, evidence=evidence, summary=f"{finding.summary}. The baseline is stale")
