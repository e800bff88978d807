"""What a demo showed: who attacked, who did not, what was noticed, and what was done about it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from caponier.demo.outcome import Aftermath, Hunt, Repaired, colors
from caponier.emulate.campaign import CampaignOutcome
from caponier.emulate.outcome import AttackOutcome
from caponier.emulate.poison import OPEN
from caponier.matrix.case_study import Strategy
from caponier.matrix.technique import Color
from caponier.records.finding import Finding

SCHEMA: Final = "caponier.demo/2"
FEWEST_TACTICS: Final = 4
TRIGGERS: Final = "trigger_rows"
SHUT, BEYOND = 0.05, 0.02
"""Attack success after the repair: at most so much, or so much beyond that on a model of the batch as it was."""


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
    outcome: AttackOutcome | CampaignOutcome
    """Of the last image that was attacked, or of the attack on the model as a whole."""
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
    def evasion(self) -> AttackOutcome | None:
        """The outcome of an attack on an image; None for one on the model as a whole."""
        return self.outcome if isinstance(self.outcome, AttackOutcome) else None

    @property
    def achieved(self) -> str:
        """What came of it, in a few words."""
        if isinstance(self.outcome, CampaignOutcome):
            agreement = self.outcome.measure.get("agreement", 0.0)
            return f"copied: a copy that agrees on {agreement:.0%}" if self.outcome.success else "failed"
        outcome = self.outcome
        return f"reads {outcome.adversarial_label} for {outcome.original_label}" if outcome.success else "failed"

    @property
    def first_noticed(self) -> int | None:
        """Different queries up to the first finding of any detector."""
        return min(self.noticed.values(), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, without pictures."""
        return {
            "principal": self.principal,
            "emulation": self.emulation,
            "title": self.title,
            "success": self.outcome.success,
            "stop": self.outcome.stop.value,
            "attempts": self.attempts,
            "queries": self.queries,
            **self._measured(),
            "flagged": self.flagged,
            "queries_to_first_finding": self.first_noticed,
            "queries_to_first_finding_by_detector": self.noticed,
            "findings": self.findings,
        }

    def _measured(self) -> dict[str, Any]:
        if isinstance(self.outcome, CampaignOutcome):
            return {"measure": dict(self.outcome.measure)}
        names = ("first_distance", "final_distance", "original_label", "adversarial_label")
        return {name: getattr(self.outcome, name) for name in names}


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
    """Benign principals in the baseline."""
    alpha: float
    """Share of benign callers that may be flagged."""
    expected: float
    """How many that is in a week."""
    thresholds: dict[str, float]
    """Score that it takes at a typical age, by detector."""
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
    hunt: Hunt
    after: Aftermath
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
        skipped = [f"skipped {what}" for what in self.skipped]
        return (*missed, *failed, *bothered, *refused, *skipped, *_not_found(self.hunt), *_not_done(self.after))

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
            **self.hunt.to_dict(),
            "response": self.after.containment.to_dict() if self.after.containment else None,
            "repair": self.after.repaired.to_dict() if self.after.repaired else None,
            "validation": self.after.validated.to_dict(),
            "audit": self.after.audit.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
            "seconds": {stage: round(took, 2) for stage, took in self.seconds.items()},
            "total_seconds": round(self.total_seconds, 2),
        }


def _not_found(hunt: Hunt) -> Iterator[str]:
    """Say what the scans did not find, or found where nothing was."""
    logs, batch = hunt.logs, hunt.batch
    if not logs.succeeded:
        yield "the download of the models did not succeed, so that noticing it shows little"
    if not logs.findings:
        yield "nothing was found in the security logs"
    if not batch.findings:
        yield "the flipped labels were not flagged"
    elif TRIGGERS not in {finding.detector for finding in batch.findings}:
        yield "the rows with a trigger were not flagged"
    yield from (f"the file {file.name} is called {file.scanned.verdict.value}" for file in hunt.files if not file.right)
    if hunt.loaded:
        yield "the unsafe model file was loaded"
    if logs.control_findings:
        yield f"{logs.control_findings} findings in security logs without an attack"
    if batch.control_findings:
        yield f"{batch.control_findings} findings in the batch before it was poisoned"
    yield from _not_joined(hunt)


def _not_joined(hunt: Hunt) -> Iterator[str]:
    """Say what keeps the findings from being one combined incident."""
    incident = hunt.incident
    if incident is None:
        yield f"the findings became {len(hunt.incidents)} incidents, not one"
        return
    lost = {finding.finding_id for finding in hunt.findings} - set(incident.finding_ids)
    if lost:
        yield f"{len(lost)} findings are not in the incident"
    if incident.strategy is not Strategy.COMBINED:
        yield f"the incident's strategy is {incident.strategy.value}, not combined"
    if len(incident.tactics) < FEWEST_TACTICS:
        yield f"the incident has {len(incident.tactics)} tactics, fewer than {FEWEST_TACTICS}"
    if colors(incident) != frozenset(Color):
        yield "the incident has no steps of both colours"


def _not_done(after: Aftermath) -> Iterator[str]:
    """Say what was not blocked, undone, repaired or proven as it must be."""
    yield from _not_contained(after)
    repaired = after.repaired
    if repaired is None:
        yield "nothing was repaired"
    else:
        if repaired.after <= repaired.before:
            yield "the repaired batch does not make a better model than the poisoned one"
        yield from _not_shut(repaired)
        if repaired.took_accuracy <= repaired.left_accuracy:
            yield "the version that was put back is not better than the one it replaced"
    yield from (f"validation: {failure}" for failure in after.validated.failed)
    if not after.audit.ok:
        yield f"the audit log is broken: {after.audit.why}"


def _not_shut(repaired: Repaired) -> Iterator[str]:
    if repaired.attack_before < OPEN:
        yield f"the trigger worked on {repaired.attack_before:.0%} of images, so that shutting it shows little"
    if repaired.attack_after > max(SHUT, repaired.attack_clean + BEYOND):
        yield f"the trigger still works on {repaired.attack_after:.0%} of images after the repair"


def _not_contained(after: Aftermath) -> Iterator[str]:
    done = after.containment
    if done is None:
        yield "nothing was blocked"
        return
    run = done.dry_run
    if (run.attack, run.others) != (run.of_attack, 0):
        yield f"the plan {run.words}"
    for when, probe in (("the block", done.blocked), ("the second block", done.again)):
        if probe.answered:
            yield f"{probe.answered} of {probe.asked} requests of the attacker were answered after {when}"
        if probe.benign_refused:
            yield f"{probe.benign_refused} of {probe.benign_users} benign users were refused after {when}"
    if not done.undo_works:
        yield "undoing the block did not work, or is not in the audit log"
    if done.moved is None:
        yield "the unsafe file was not quarantined"
