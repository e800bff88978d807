"""Look for model files that run code when loaded. No file is ever loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from caponier.app.inference.plan import unavailable
from caponier.app.progress import Progress, Silent
from caponier.app.scan.allowed_names import FILE_NAME, read_allowed
from caponier.app.scan.file_content import Digests, read_content
from caponier.app.scan.free_memory import free_memory
from caponier.app.scan.ignored_files import Ignored
from caponier.app.scan.judge_file import judge_file
from caponier.detect.artifact import ArtifactDetector, Judgement, Limits, Verdict
from caponier.detect.artifacts.unsafe_code import UnsafeCode
from caponier.detect.model_files.pickles.rules import Allowance
from caponier.detect.registry import artifact_detectors
from caponier.errors import InputError
from caponier.formats.walk_files import FoundFile, shown, walk
from caponier.records.finding import Evidence, Finding, SubjectRef
from caponier.records.finding_builder import build_finding
from caponier.records.inventory import System, Workspace
from caponier.records.skip import Skip

_UNREAD: Final = "cannot be read"
_SHARE: Final = 4
"""A file may take one part in so many of the free memory: what it expands to takes as much again, twice at worst."""
_Judged = tuple[str | None, list[tuple[ArtifactDetector, Judgement]]]
"""The digest of a file, and what each detector said of it."""


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """One file, and what came of it."""

    path: str
    sha256: str | None
    """None where the content could not be read, or is too large to be held and nothing hangs on its digest."""
    verdict: Verdict
    reason: str | None
    kind: str | None
    """What the content is; None where it could not be read."""
    ignored: str | None = None
    """Why a finding on it is not counted."""
    allowed: Mapping[str, str] = field(default_factory=dict)
    """What only entries of the workspace let pass in it, with their reasons."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        plain: dict[str, Any] = {
            "path": self.path,
            "sha256": self.sha256,
            "verdict": self.verdict.value,
            "reason": self.reason,
        }
        plain |= {"kind": self.kind} | ({"ignored": self.ignored} if self.ignored else {})
        return plain | ({"allowed": dict(self.allowed)} if self.allowed else {})


@dataclass
class ArtifactReport:
    """What a scan of files found."""

    scanned: list[ScannedFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lacking: list[Skip] = field(default_factory=list)
    """Detectors that could not look at any file."""

    @property
    def skipped(self) -> list[Skip]:
        """The files of which nothing is known, with reasons, without those that are ignored; and `lacking`."""
        return self.lacking + [
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
    digests: Digests = field(default_factory=Digests)


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
        limits: How much work one file may cause; by default what `limits_here` says.
        today: The day on which entries to ignore may be expired.
        progress: Told how far it is.

    Raises:
        InputError: If a path does not exist, or the inventory has no such system.
    """
    watch = progress or Silent()
    moment = datetime.now(UTC)
    day = today or moment.date()
    allowances = read_allowed(workspace.root) if workspace else ()
    scan = _Scan(
        _detectors(workspace, allowances, day),
        limits or limits_here(),
        ignored or {},
        _system(workspace, system),
        moment,
    )
    report = ArtifactReport(lacking=unavailable(artifact_detectors, workspace))
    report.notes += [
        f"{FILE_NAME}: {one.what} was allowed until {one.expires}, which is over"
        for one in allowances
        if not one.applies(day)
    ]
    found = list(walk(paths))
    watch.stage("Scanning", len(found))
    for file in found:
        _file(report, scan, file, day)
        watch.advance(1)
    return report


def limits_here(largest: int | None = None) -> Limits:
    """Return how much work one file may cause on this machine: no more than the usual, and than its memory allows.

    Args:
        largest: Bytes of a file that may be held, if somebody said so; then the free memory is not asked.
    """
    if largest is not None:
        return Limits(held_bytes=largest)
    free = free_memory()
    usual = Limits().held_bytes
    return Limits() if free is None else Limits(held_bytes=min(usual, free // _SHARE), mapped_bytes=usual)


def _detectors(workspace: Workspace | None, allowances: Sequence[Allowance], today: date) -> list[ArtifactDetector]:
    disabled = workspace.detect.disabled if workspace else ()
    chosen = [detector for name, detector in artifact_detectors().items() if name not in disabled]
    current = [one for one in allowances if one.applies(today)]
    return [
        detector.extended(current) if current and isinstance(detector, UnsafeCode) else detector for detector in chosen
    ]


def _system(workspace: Workspace | None, name: str | None) -> System | None:
    if name is None:
        return None
    known = workspace.systems if workspace else ()
    for system in known:
        if system.name == name:
            return system
    names = ", ".join(system.name for system in known) or "none"
    raise InputError(f"the inventory has no system {name!r}", hint=f"Systems in the inventory: {names}")


def _file(report: ArtifactReport, scan: _Scan, file: FoundFile, today: date) -> None:
    path, problem = shown(file.path), file.problem
    judged: _Judged = None, []
    try:
        judged = judged if problem else _judged(scan, file.path)
    except OSError as failed:
        problem = f"{_UNREAD}: {failed.strerror or failed}"
    except MemoryError:
        problem = f"{_UNREAD}: it takes more memory than there is"
    if problem:
        report.scanned.append(ScannedFile(path, None, Verdict.UNKNOWN, problem, None))
        return
    sha256, judgements = judged
    accepted = _accepted(report, scan, sha256, path, today)
    report.scanned.append(_scanned(path, sha256, [judgement for _, judgement in judgements], accepted))
    if sha256 and accepted is None:
        report.findings += [
            _finding(scan, detector, judgement, path, sha256)
            for detector, judgement in judgements
            if judgement.verdict is Verdict.UNSAFE
        ]


def _judged(scan: _Scan, path: Path) -> _Judged:
    """Read a file and have it judged.

    The digest of one that is not held takes long, and so is made only where something hangs on it: a finding, or
    whether the file is accepted.

    Raises:
        OSError: If it cannot be read.
        MemoryError: If it takes more memory than there is.
    """
    content = read_content(path, scan.limits.held_bytes, scan.limits.mapped_bytes)
    judgements = [(detector, judge_file(detector, content, scan.limits)) for detector in scan.detectors]
    unsafe = any(judgement.verdict is Verdict.UNSAFE for _, judgement in judgements)
    return content.sha256 or (scan.digests.of(path) if unsafe or scan.ignored else None), judgements


def _accepted(report: ArtifactReport, scan: _Scan, sha256: str | None, path: str, today: date) -> str | None:
    entry = scan.ignored.get(sha256) if sha256 else None
    if entry is None or entry.applies(today):
        return entry.reason if entry else None
    report.notes.append(f"{path}: was to be ignored until {entry.expires}, which is over")
    return None


def _scanned(path: str, sha256: str | None, judgements: list[Judgement], accepted: str | None) -> ScannedFile:
    if not judgements:
        return ScannedFile(path, sha256, Verdict.UNKNOWN, "no detector for files is enabled", None, accepted)
    worst = max(judgements, key=lambda judgement: judgement.verdict.rank)
    reasons = [reason for judgement in judgements for reason in judgement.reasons]
    allowed = {name: why for one in judgements for name, why in one.facts.get("allowed", {}).items()}
    return ScannedFile(path, sha256, worst.verdict, "; ".join(reasons) or None, worst.kind, accepted, allowed)


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
