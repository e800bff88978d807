"""What a demo showed after the scans: one incident, what was blocked, what was repaired, and what is covered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caponier.app.incidents.story import colour_words
from caponier.app.scan.artifact import ScannedFile
from caponier.coverage.heat_map import Cell, Status
from caponier.detect.artifact import Verdict
from caponier.matrix.technique import Color, TechniqueId
from caponier.records.context import ContextEvent
from caponier.records.finding import Finding
from caponier.records.incident import Incident
from caponier.records.response_action import ActionState, ResponseAction
from caponier.respond.dry_run import DryRun
from caponier.respond.tactics import colors_of


@dataclass(frozen=True)
class LogsSeen:
    """Security logs: what the attacker did in them, and what was found."""

    rows: int
    malicious: int
    succeeded: bool
    taken: int
    """Model files that were downloaded."""
    findings: tuple[Finding, ...]
    context: tuple[ContextEvent, ...]
    control_findings: int
    """In the same organisation's logs without the attack; must be none."""


@dataclass(frozen=True)
class BatchSeen:
    """A training batch: what was changed, and what was found."""

    source: str
    rows: int
    flipped: int
    """Rows whose labels were flipped."""
    triggered: int
    """Rows with a trigger."""
    flagged: int
    recall: float
    """Share of the flipped labels that were flagged."""
    triggered_found: float
    """The same of the rows with a trigger."""
    precision: float
    """Share of the flagged rows that were changed."""
    findings: tuple[Finding, ...]
    control_findings: int
    """In the batch as it was; must be none."""


@dataclass(frozen=True)
class FileSeen:
    """One file of the model folder."""

    name: str
    harmful: bool
    scanned: ScannedFile

    @property
    def right(self) -> bool:
        """Whether the verdict is what it must be."""
        return self.scanned.verdict is (Verdict.UNSAFE if self.harmful else Verdict.CLEAN)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        scanned = self.scanned
        return {
            "name": self.name,
            "harmful": self.harmful,
            "verdict": scanned.verdict.value,
            "reason": scanned.reason,
            "sha256": scanned.sha256,
        }


@dataclass(frozen=True)
class Hunt:
    """All that the scans found, and how it was joined."""

    inference: tuple[Finding, ...]
    logs: LogsSeen
    batch: BatchSeen
    files: tuple[FileSeen, ...]
    file_findings: tuple[Finding, ...]
    incidents: tuple[Incident, ...]
    acted: frozenset[TechniqueId]
    """What the attacker did outside the model's traffic, in each matrix."""
    loaded: bool
    """Whether anybody loaded the unsafe file; nobody may."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of all four scans."""
        return (*self.inference, *self.logs.findings, *self.batch.findings, *self.file_findings)

    @property
    def incident(self) -> Incident | None:
        """The incident, if there is exactly one."""
        return self.incidents[0] if len(self.incidents) == 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures."""
        logs, batch, incident = self.logs, self.batch, self.incident
        return {
            "incidents": len(self.incidents),
            "incident": None if incident is None else _incident(incident, {f.finding_id: f for f in self.findings}),
            "logs": {
                "rows": logs.rows,
                "malicious": logs.malicious,
                "succeeded": logs.succeeded,
                "model_files_taken": logs.taken,
                "findings": len(logs.findings),
                "context": len(logs.context),
                "control_findings": logs.control_findings,
            },
            "batch": {
                "source": batch.source,
                "rows": batch.rows,
                "flipped": batch.flipped,
                "triggered": batch.triggered,
                "flagged": batch.flagged,
                "recall": round(batch.recall, 4),
                "triggered_found": round(batch.triggered_found, 4),
                "precision": round(batch.precision, 4),
                "findings": len(batch.findings),
                "control_findings": batch.control_findings,
            },
            "files": [file.to_dict() for file in self.files],
        }


def _incident(incident: Incident, findings: Mapping[str, Finding]) -> dict[str, Any]:
    detectors = {id_: finding.detector for id_, finding in findings.items()}
    return {
        "incident_id": incident.incident_id,
        "strategy": incident.strategy.value,
        "severity": incident.severity.value,
        "tactics": list(incident.tactics),
        "actors": list(incident.actors),
        "findings": len(incident.finding_ids),
        "steps": [
            {
                "time": step.to_dict()["time"],
                "tactic": step.tactic,
                "colors": sorted(color.value for color in colors_of(step.techniques)),
                "colors_in_words": colour_words(step.techniques),
                "by": detectors.get(step.finding_id or "", "context"),
                "techniques": [technique.id for technique in step.techniques],
                "finding_id": step.finding_id,
            }
            for step in incident.steps
        ],
    }


def colors(incident: Incident) -> frozenset[Color]:
    """Return the colours of all steps of an incident."""
    return frozenset(color for step in incident.steps for color in colors_of(step.techniques))


@dataclass(frozen=True)
class AccessCheck:
    """What the attacker's keys and benign users got at one moment."""

    asked: int
    """Requests of the attacker's keys."""
    answered: int
    benign_users: int
    benign_requests: int
    """Answered ones."""
    benign_refused: int
    """Users who were turned away."""

    @property
    def refused(self) -> int:
        """Requests of the attacker's keys that were refused."""
        return self.asked - self.answered

    def to_dict(self) -> dict[str, int]:
        """Return the figures."""
        return {
            "attacker_requests": self.asked,
            "attacker_answered": self.answered,
            "attacker_refused": self.refused,
            "benign_users": self.benign_users,
            "benign_requests": self.benign_requests,
            "benign_refused": self.benign_refused,
        }


@dataclass(frozen=True)
class Containment:
    """What was planned, blocked, undone and blocked again."""

    dry_run: DryRun
    """Of all planned actions together."""
    actions: tuple[ResponseAction, ...]
    """Everything that was ever done about the incident, in order of time."""
    blocked: AccessCheck
    undone: AccessCheck
    again: AccessCheck
    undo_rows: int
    """Rows of the audit log that tell of undoing."""
    approver: str
    moved: str | None
    """Where the unsafe file went."""

    @property
    def active(self) -> tuple[ResponseAction, ...]:
        """The actions in force at the end."""
        return tuple(action for action in self.actions if action.state is ActionState.ACTIVE)

    @property
    def undo_works(self) -> bool:
        """Whether undoing let the keys in again, and is in the audit log."""
        return self.undone.refused == 0 and self.undo_rows > 0

    @property
    def benign_blocked(self) -> int:
        """Benign users whom a block turned away."""
        return self.blocked.benign_refused + self.again.benign_refused

    def to_dict(self) -> dict[str, Any]:
        """Return the figures."""
        run = self.dry_run
        return {
            "dry_run": {
                "attack_queries": run.of_attack,
                "attack_stopped": run.attack,
                "other_queries": run.of_others,
                "other_stopped": run.others,
            },
            "actions": [action.to_dict() for action in self.actions],
            "after_block": self.blocked.to_dict(),
            "after_undo": self.undone.to_dict(),
            "after_second_block": self.again.to_dict(),
            "blocked_attack_requests": self.blocked.refused + self.again.refused,
            "blocked_benign_requests": self.benign_blocked,
            "undo_in_audit": self.undo_rows,
            "undo_works": self.undo_works,
            "file_moved_to": self.moved,
        }


@dataclass(frozen=True)
class Repaired:
    """Before and after, on the pinned test set."""

    clean: float
    """Accuracy of a model that learned from the batch before it was poisoned."""
    before: float
    """… from the poisoned batch."""
    after: float
    """… from the repaired batch."""
    attack_clean: float
    """Share of images of other classes that the trigger turned into its label, in the same three models."""
    attack_before: float
    attack_after: float
    relabelled: int
    dropped: int
    model: str
    left: str
    """The version that was taken out of service."""
    took: str
    left_accuracy: float
    took_accuracy: float
    test_rows: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "accuracy_clean": self.clean,
            "accuracy_before": self.before,
            "accuracy_after": self.after,
            "attack_success_clean": self.attack_clean,
            "attack_success_before": self.attack_before,
            "attack_success_after": self.attack_after,
            "relabelled": self.relabelled,
            "dropped": self.dropped,
            "test_rows": self.test_rows,
            "rollback": {
                "model": self.model,
                "from": self.left,
                "to": self.took,
                "accuracy_before": self.left_accuracy,
                "accuracy_after": self.took_accuracy,
            },
        }


@dataclass(frozen=True)
class Validated:
    """Trials that were carried out in this run, and the coverage that they prove."""

    trials: int
    passed: int
    failed: tuple[str, ...]
    """In words."""
    cells: tuple[Cell, ...]

    def count(self, status: Status) -> int:
        """Return how many entries of the 2020 matrix have a status."""
        return sum(cell.status is status for cell in self.cells)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures."""
        counts = {status.value.replace(" ", "_"): self.count(status) for status in Status}
        return {"trials": self.trials, "passed": self.passed, "failed": list(self.failed), "coverage": counts}


@dataclass(frozen=True)
class Audit:
    """The audit log after everything."""

    ok: bool
    rows: int
    head: str
    why: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures."""
        return {"ok": self.ok, "rows": self.rows, "head": self.head}


@dataclass(frozen=True)
class Aftermath:
    """Everything that follows on the scans; None where there was nothing to answer or repair."""

    containment: Containment | None
    repaired: Repaired | None
    validated: Validated
    audit: Audit
