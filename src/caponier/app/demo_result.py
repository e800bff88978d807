"""What a demo showed: who attacked, who did not, who was noticed after how many queries, and how long it took."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from caponier.emulate.outcome import AttackOutcome
from caponier.records.finding import Finding

SCHEMA: Final = "caponier.demo/1"


@dataclass(frozen=True)
class Served:
    """The model that was attacked, and how good it is at its work."""

    model: str
    version: str
    system: str
    purpose: str
    kind: str
    accuracy: float
    """Share of right answers on images that it was not trained on."""


@dataclass(frozen=True)
class Traffic:
    """How much one kind of traffic was."""

    users: int
    requests: int
    rows: int
    """Events: one for each row of a request."""


@dataclass(frozen=True, eq=False)
class Attacker:
    """One attacker, what came of the attack, and when it was noticed."""

    principal: str
    """As in the log: the salted hash of the key."""
    emulation: str
    title: str
    """Name of the attack for people, with a number."""
    outcome: AttackOutcome
    """Of the last image that was attacked."""
    attempts: int
    """Images that were attacked, one after the other, until one attack succeeded."""
    queries: int
    """Answered requests, one instance each, over all attempts."""
    began: int
    """Answered requests before the last attempt."""
    noticed: dict[str, int]
    """Different queries up to the first finding, by detector; empty if there was none."""
    findings: int

    @property
    def flagged(self) -> bool:
        """Whether any detector noticed."""
        return bool(self.noticed)

    @property
    def first_noticed(self) -> int | None:
        """Different queries up to the first finding of any detector."""
        return min(self.noticed.values(), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, without pictures."""
        outcome = self.outcome
        return {
            "principal": self.principal,
            "emulation": self.emulation,
            "title": self.title,
            "success": outcome.success,
            "stop": outcome.stop.value,
            "attempts": self.attempts,
            "queries": self.queries,
            "first_distance": outcome.first_distance,
            "final_distance": outcome.final_distance,
            "original_label": outcome.original_label,
            "adversarial_label": outcome.adversarial_label,
            "flagged": self.flagged,
            "queries_to_first_finding": self.first_noticed,
            "queries_to_first_finding_by_detector": self.noticed,
            "findings": self.findings,
        }


@dataclass(frozen=True)
class HabitShare:
    """The benign users of one habit together."""

    habit: str
    description: str
    traffic: Traffic
    flagged: int
    refused: int
    """Users whom the server turned away."""
    latency_ms: float
    """Median time that the server took for an answer."""
    highest: dict[str, float]
    """The highest score of any of them, as a share of the threshold, by detector."""


@dataclass(frozen=True)
class Certainty:
    """What the thresholds rest on."""

    principals: int
    """Benign principals with a whole horizon in the baseline."""
    horizon: int
    budget: str
    bound: float
    """Share of benign horizons that may raise an alert, for each detector."""
    thresholds: dict[str, float]
    basis: dict[str, str]
    promise: str
    """In a sentence."""


@dataclass(frozen=True, eq=False)
class DemoResult:
    """Everything that a demo showed."""

    version: str
    seed: int
    out: Path
    served: Served
    calibration: Traffic
    """Of the benign users that the baseline was built from."""
    benign: tuple[HabitShare, ...]
    attackers: tuple[Attacker, ...]
    findings: tuple[Finding, ...]
    events: int
    """Events that were scanned."""
    certainty: Certainty
    skipped: tuple[str, ...]
    """What the scan could not do, and why."""
    notes: tuple[str, ...]
    """What else is worth knowing about the baseline and the scan."""
    seconds: dict[str, float]
    """By stage."""

    @property
    def attackers_flagged(self) -> int:
        """How many attackers were flagged."""
        return sum(attacker.flagged for attacker in self.attackers)

    @property
    def benign_users(self) -> int:
        """Benign users among the scanned traffic."""
        return sum(share.traffic.users for share in self.benign)

    @property
    def benign_flagged(self) -> int:
        """How many of them were flagged."""
        return sum(share.flagged for share in self.benign)

    @property
    def total_seconds(self) -> float:
        """Wall time of all stages."""
        return sum(self.seconds.values())

    @property
    def problems(self) -> tuple[str, ...]:
        """What did not go as a demo must, in sentences; empty if everything did."""
        missed = [f"{who.title} was not flagged" for who in self.attackers if not who.flagged]
        failed = [
            f"{who.title} did not succeed, so that noticing it shows little ({who.outcome.stop.value} after "
            f"{who.queries:,} queries)"
            for who in self.attackers
            if not who.outcome.success
        ]
        bothered = [
            f"{share.flagged} benign of {share.traffic.users} with the habit {share.habit} flagged"
            for share in self.benign
            if share.flagged
        ]
        refused = [f"{share.refused} of the habit {share.habit} were refused" for share in self.benign if share.refused]
        return (*missed, *failed, *bothered, *refused, *(f"skipped {what}" for what in self.skipped))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, `caponier.demo/1`."""
        return {
            "schema": SCHEMA,
            "version": self.version,
            "seed": self.seed,
            "passed": not self.problems,
            "problems": list(self.problems),
            "out": str(self.out),
            "report": str(self.out / "report.html"),
            "served": asdict(self.served),
            "calibration": asdict(self.calibration),
            "attackers": len(self.attackers),
            "attackers_flagged": self.attackers_flagged,
            "benign_users": self.benign_users,
            "benign_flagged": self.benign_flagged,
            "attacks": [attacker.to_dict() for attacker in self.attackers],
            "habits": [asdict(share) for share in self.benign],
            "events": self.events,
            "certainty": asdict(self.certainty),
            "notes": list(self.notes),
            "findings": [finding.to_dict() for finding in self.findings],
            "seconds": {stage: round(took, 2) for stage, took in self.seconds.items()},
            "total_seconds": round(self.total_seconds, 2),
        }
