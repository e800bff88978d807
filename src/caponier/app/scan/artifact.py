"""Look for model files that run code when they are loaded. No file is ever loaded for it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from caponier.app.progress import Progress, Silent
from caponier.app.scan.ignored_files import Ignored
from caponier.detect.artifact import ArtifactDetector, Judgement, Limits, Verdict
from caponier.detect.registry import artifact_detectors
from caponier.errors import InputError
from caponier.formats.walk_files import FoundFile, read_file, shown, walk
from caponier.records.finding import Evidence, Finding, SubjectRef
from caponier.records.finding_builder import build_finding
from caponier.records.inventory import System, Workspace
from caponier.records.skip import Skip

_UNREAD: Final = "cannot be read"


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """One file, and what came of it."""

    path: str
    sha256: str | None
    """None where the content could not be read."""
    verdict: Verdict
    reason: str | None
    kind: str | None
    """What the content is; None where it could not be read."""
    ignored: str | None = None
    """Why a finding on it is not counted."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        plain = {"path": self.path, "sha256": self.sha256, "verdict": self.verdict.value, "reason": self.reason}
        return plain | {"kind": self.kind} | ({"ignored": self.ignored} if self.ignored else {})


@dataclass
class ArtifactReport:
    """What a scan of files found."""

    scanned: list[ScannedFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def skipped(self) -> list[Skip]:
        """The files of which nothing is known, with reasons; those that are ignored are left out."""
        return [
            Skip(file.path, file.reason or "")
            for file in self.scanned
            if file.verdict is Verdict.UNKNOWN and not file.ignored
        ]


@dataclass(frozen=True)
class _Scan:
    """What stays the same for all files."""

    detectors: list[ArtifactDetector]
    limits: Limits
    ignored: Mapping[str, Ignored]
    system: System | None
    moment: datetime


def scan_artifact(
    paths: Sequence[Path],
    *,
    workspace: Workspace | None = None,
    system: str | None = None,
    ignored: Mapping[str, Ignored] | None = None,
    limits: Limits | None = None,
    today: date | None = None,
    progress: Progress | None = None,
) -> ArtifactReport:
    """Judge files, and all files in folders.

    Args:
        paths: Files and folders.
        workspace: Its inventory and disabled detectors.
        system: The ML system of the inventory that the files belong to; its criticality weighs in the severity.
        ignored: Accepted files by digest; see `app.ignored_files`.
        limits: How much work one file may cause.
        today: The day on which entries to ignore may be expired.
        progress: Told how far it is.

    Raises:
        InputError: If a path does not exist, or the inventory has no such system.
    """
    watch = progress or Silent()
    moment = datetime.now(UTC)
    scan = _Scan(_detectors(workspace), limits or Limits(), ignored or {}, _system(workspace, system), moment)
    report = ArtifactReport()
    found = list(walk(paths))
    watch.stage("Scanning", len(found))
    for file in found:
        _file(report, scan, file, today or moment.date())
        watch.advance(1)
    return report


def _detectors(workspace: Workspace | None) -> list[ArtifactDetector]:
    disabled = workspace.detect.disabled if workspace else ()
    return [detector for name, detector in artifact_detectors().items() if name not in disabled]


def _system(workspace: Workspace | None, name: str | None) -> System | None:
    if name is None:
        return None
    known = workspace.systems if workspace else ()
    for system in known:
        if system.name == name:
            return system
    names = ", ".join(system.name for system in known) or "none"
    raise InputError(f"the inventory has no system {name!r}", mend=f"Systems in the inventory: {names}")


def _file(report: ArtifactReport, scan: _Scan, file: FoundFile, today: date) -> None:
    path = shown(file.path)
    try:
        content = read_file(file.path) if file.problem is None else b""
    except OSError as failed:
        file = FoundFile(file.path, f"{_UNREAD}: {failed.strerror or failed}")
    if file.problem is not None:
        report.scanned.append(ScannedFile(path, None, Verdict.UNKNOWN, file.problem, None))
        return
    sha256 = hashlib.sha256(content).hexdigest()
    judgements = [(detector, detector.judge(memoryview(content), scan.limits)) for detector in scan.detectors]
    accepted = _accepted(report, scan, sha256, path, today)
    report.scanned.append(_scanned(path, sha256, [judgement for _, judgement in judgements], accepted))
    if accepted is None:
        report.findings += [
            _finding(scan, detector, judgement, path, sha256)
            for detector, judgement in judgements
            if judgement.verdict is Verdict.UNSAFE
        ]


def _accepted(report: ArtifactReport, scan: _Scan, sha256: str, path: str, today: date) -> str | None:
    entry = scan.ignored.get(sha256)
    if entry is None or entry.applies(today):
        return entry.reason if entry else None
    report.notes.append(f"{path}: was to be ignored until {entry.expires}, which is over")
    return None


def _scanned(path: str, sha256: str, judgements: list[Judgement], accepted: str | None) -> ScannedFile:
    if not judgements:
        return ScannedFile(path, sha256, Verdict.UNKNOWN, "no detector for files is enabled", None, accepted)
    worst = max(judgements, key=lambda judgement: judgement.verdict.rank)
    reasons = [reason for judgement in judgements for reason in judgement.reasons]
    return ScannedFile(path, sha256, worst.verdict, "; ".join(reasons) or None, worst.kind, accepted)


def _finding(scan: _Scan, detector: ArtifactDetector, judgement: Judgement, path: str, sha256: str) -> Finding:
    return build_finding(
        detector.name,
        SubjectRef("file", sha256, path=path, sha256=sha256),
        sha256,
        confidence=min(judgement.confidence, detector.max_confidence.cap),
        techniques=detector.techniques,
        evidence=Evidence(detector.statistic, float(judgement.facts.get("unsafe", 1)), 0.0, facts=judgement.facts),
        summary=f"{Path(path).name} ({judgement.kind}) {judgement.reason}",
        times=(scan.moment, scan.moment),
        system=scan.system,
    )
