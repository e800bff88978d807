"""Look for poisoned rows in a data set."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from caponier.app.inference.plan import unavailable
from caponier.app.progress import Progress, Silent
from caponier.detect.dataset import NOTHING, Analysis, DatasetDetector
from caponier.detect.provenance.recorded_rows import Provenance, notes_of
from caponier.detect.registry import dataset_detectors
from caponier.formats.walk_files import shown
from caponier.records.finding import Evidence, Finding, SubjectRef
from caponier.records.finding_builder import build_finding
from caponier.records.inventory import System, Workspace
from caponier.records.skip import Skip
from caponier.telemetry.labelled_data.dataset import Columns, Dataset, in_range
from caponier.telemetry.labelled_data.datasets import read_dataset
from caponier.telemetry.labelled_data.manifest import read_manifest
from caponier.telemetry.rejections import RejectedRows

_NUMBERS: Final = re.compile(r"(\d+)")


@dataclass(frozen=True)
class SuspiciousRow:
    """A row that a detector flagged."""

    id: str
    source: str | None
    given: str
    """Its label."""
    suggested: str | None
    """The label that the detector would give it."""
    score: float
    detector: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


@dataclass
class DatasetReport:
    """What a scan of a data set found, what it could not judge, and which rows it could not use."""

    path: Path
    sha256: str
    rows: int
    classes: tuple[str, ...]
    findings: list[Finding]
    suspicious: list[SuspiciousRow]
    """Flagged rows, the most suspicious first; also those that are too few for a finding."""
    skipped: list[Skip]
    rejected: RejectedRows
    dataset: Dataset
    notes: list[str] = field(default_factory=list)


def scan_dataset(
    path: Path,
    columns: Columns | None = None,
    *,
    manifest: Path | None = None,
    workspace: Workspace | None = None,
    rejected: RejectedRows | None = None,
    progress: Progress | None = None,
) -> DatasetReport:
    """Scan a data set for rows that do not belong in it.

    Args:
        path: A `.npz`, Parquet or CSV file.
        columns: Of a table: which column is the label, and which are source and id.
        manifest: What the rows were, to find those that were changed since.
        workspace: Its inventory says to which system the data set belongs, and which detectors are disabled.
        rejected: Takes the rows that cannot be used.
        progress: Told how far it is.

    Raises:
        InputError: If the file cannot be used at all.
    """
    watch = progress or Silent()
    watch.stage(f"Reading {path.name}")
    recorded = provenance(manifest, columns)
    dataset = read_dataset(path, columns)
    return judge(dataset, recorded=recorded, workspace=workspace, rejected=rejected, progress=watch)[0]


def provenance(manifest: Path | None, columns: Columns | None) -> Provenance | None:
    """Return what compares with a manifest, if there is one.

    Raises:
        InputError: If it cannot be read.
    """
    return Provenance(read_manifest(manifest), columns or Columns()) if manifest else None


def judge(
    dataset: Dataset,
    *,
    recorded: Provenance | None = None,
    workspace: Workspace | None = None,
    rejected: RejectedRows | None = None,
    progress: Progress | None = None,
) -> tuple[DatasetReport, dict[str, Analysis]]:
    """Run every detector over a data set that has been read; return the report and what each detector said.

    Raises:
        InputError: If it is compared with the manifest of another table.
    """
    watch, rejected = progress or Silent(), rejected if rejected is not None else RejectedRows()
    rejected.add(dataset.rejections)
    disabled = workspace.detect.disabled if workspace else ()
    detectors = [detector for name, detector in dataset_detectors().items() if name not in disabled]
    # First: what was recorded is surer than what a model would say.
    detectors = [recorded, *detectors] if recorded else detectors
    watch.stage("Judging rows", len(detectors))
    report = DatasetReport(
        dataset.path,
        dataset.sha256,
        len(dataset),
        dataset.classes,
        [],
        [],
        unavailable(dataset_detectors, workspace),
        rejected,
        dataset,
        list(dataset.notes),
    )
    analyses, within = {}, replace(dataset, x=in_range(dataset.x))
    for detector in detectors:
        analysis = analyses[detector.name] = detector.analyse(dataset if detector is recorded else within)
        report.skipped += [Skip(detector.name, reason) for reason in analysis.silent]
        report.suspicious += _suspicious(dataset, analysis, detector)
        report.findings += _findings(dataset, analysis, detector, workspace)
        watch.advance(1)
    if recorded:
        report.notes += notes_of(analyses[recorded.name])
    report.suspicious.sort(key=lambda row: (-row.score, _counted(row.id)))
    if report.suspicious and not report.findings:
        report.notes.append("no more labels look wrong than the usual slips; they are listed, and are no finding")
    return report, analyses


def rows_digest(dataset: Dataset) -> str:
    """Return a digest of ids, labels and features that does not depend on the order of the rows."""
    whole = hashlib.sha256()
    for row in sorted(range(len(dataset)), key=dataset.ids.__getitem__):
        whole.update(f"{dataset.ids[row]}\x1f{dataset.classes[dataset.y[row]]}\x1f".encode())
        whole.update(dataset.x[row].tobytes())
    return whole.hexdigest()


def _counted(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Return what sorts names as people count: row 9 before row 10."""
    parts = [(part.isdecimal(), part.lstrip("0") if part.isdecimal() else part) for part in _NUMBERS.split(name)]
    # Numbers may be long as a hostile file likes: they are compared as text of their length.
    return tuple((number, len(text) if number else 0, text) for number, text in parts)


def _suspicious(dataset: Dataset, analysis: Analysis, detector: DatasetDetector) -> list[SuspiciousRow]:
    return [
        SuspiciousRow(
            id=dataset.ids[row],
            source=dataset.sources[row] if dataset.sources else None,
            given=dataset.classes[dataset.y[row]],
            suggested=None if analysis.suggested[row] == NOTHING else dataset.classes[analysis.suggested[row]],
            score=round(float(analysis.scores[row]), 4),
            detector=detector.name,
        )
        for row in np.flatnonzero(analysis.flagged).tolist()
    ]


def _findings(
    dataset: Dataset, analysis: Analysis, detector: DatasetDetector, workspace: Workspace | None
) -> list[Finding]:
    if not analysis.reasons:
        return []
    digest = rows_digest(dataset)
    flagged = [dataset.ids[row] for row in np.flatnonzero(analysis.flagged).tolist()]
    rows = SubjectRef("row", shown(Path(dataset.path.name)), tuple(flagged), shown(dataset.path), dataset.sha256)
    evidence = Evidence(detector.statistic, float(len(flagged)), 0.0, facts=analysis.facts)
    found = [_finding(dataset, detector, rows, evidence, analysis.confidence, analysis.summary, digest, workspace)]
    for part in analysis.sources:
        if part.stands_out:
            subject = SubjectRef("source", part.source, tuple(_of_source(dataset, analysis, part.source)))
            share = Evidence("share_flagged", round(part.flagged / part.rows, 4), part.elsewhere)
            summary = (
                f"{part.flagged:,} of {part.rows:,} rows ({part.flagged / part.rows:.0%}) from this source are "
                f"flagged; of the rows from other sources {part.elsewhere:.1%}"
            )
            summary = "; ".join([summary, part.advice] if part.advice else [summary])
            found.append(_finding(dataset, detector, subject, share, analysis.confidence, summary, digest, workspace))
    return found


def _of_source(dataset: Dataset, analysis: Analysis, source: str) -> Sequence[str]:
    names = dataset.sources or ()
    return [dataset.ids[row] for row in np.flatnonzero(analysis.flagged).tolist() if names[row] == source]


def _finding(
    dataset: Dataset,
    detector: DatasetDetector,
    subject: SubjectRef,
    evidence: Evidence,
    confidence: float,
    summary: str,
    digest: str,
    workspace: Workspace | None,
) -> Finding:
    now = datetime.now(UTC)
    return build_finding(
        detector.name,
        subject,
        digest,
        confidence=confidence,
        techniques=detector.techniques,
        evidence=evidence,
        summary=summary,
        times=(min(_changed(dataset.path, now), now), now),
        system=_system(dataset.path, workspace),
    )


def _changed(path: Path, otherwise: datetime) -> datetime:
    """Return when the file was last written: the poison came no later."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return otherwise


def _system(path: Path, workspace: Workspace | None) -> System | None:
    """Return the system whose inventory names the data set, by its file name or path."""
    if workspace is None:
        return None
    names = {path.name, str(path), str(path.absolute())}
    return next((system for system in workspace.systems if names & set(system.datasets)), None)
