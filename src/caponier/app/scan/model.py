"""Look for backdoors in a model file. The file is never loaded: its numbers are read, and its answers computed here."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.app.inference.plan import unavailable
from caponier.app.progress import Progress, Silent
from caponier.app.scan.artifact import ScannedFile, scan_artifact
from caponier.app.scan.file_content import READ, read_content
from caponier.app.scan.judge_file import judge_model
from caponier.detect.artifact import Verdict
from caponier.detect.model import ModelAnalysis, ModelDetector, ReadModel, Samples
from caponier.detect.networks.architecture import assemble, assemble_bare
from caponier.detect.networks.stored_tensors import Contents, Floats, read_contents
from caponier.detect.registry import model_detectors
from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.records.finding import Evidence, Finding, SubjectRef
from caponier.records.finding_builder import build_finding
from caponier.records.inventory import System, Workspace
from caponier.records.skip import Skip
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.labelled_data.datasets import read_dataset

FEWEST: Final = 10
"""Samples below which it cannot be told whether the model was read rightly."""


@dataclass(frozen=True, eq=False)
class OpenedModel:
    """A model file that the scan of files called clean, read as numbers."""

    path: Path
    content: memoryview
    sha256: str
    contents: Contents
    model: ReadModel


@dataclass
class ModelReport:
    """What a scan of a model found."""

    path: Path
    scanned: ScannedFile
    findings: list[Finding] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    analyses: dict[str, ModelAnalysis] = field(default_factory=dict)
    opened: OpenedModel | None = None
    """None where the file is not clean, or no network that is computed here."""

    def to_dict(self) -> dict[str, Any]:
        """Return what each detector said, for the document of findings."""
        return {
            name: {
                "score": one.score,
                "limit": one.limit if one.silent is None else None,
                "flagged": one.flagged,
                "silent": one.silent,
                "facts": one.facts,
            }
            for name, one in self.analyses.items()
        }


def scan_model(
    path: Path,
    samples: Path | None = None,
    columns: Columns | None = None,
    *,
    workspace: Workspace | None = None,
    system: str | None = None,
    progress: Progress | None = None,
) -> ModelReport:
    """Scan one model file for a backdoor.

    Args:
        path: Safetensors, a torch archive, or a pickle of scikit-learn's.
        samples: A labelled data set of a few clean rows, as the model takes them; without it only weights are judged.
        columns: Of a table of samples.
        workspace: Its inventory and disabled detectors.
        system: The ML system that the model belongs to.
        progress: Told how far it is.

    Raises:
        InputError: If the file does not exist, the samples cannot be used, or the inventory has no such system.
    """
    watch = progress or Silent()
    known = read_dataset(samples, columns) if samples else None
    report = open_clean(path, known, workspace=workspace, system=system)
    if report.opened is None:
        return report
    judge_opened(report, workspace=workspace, system=system, progress=watch)
    if samples and known and known.rejections:
        first = known.rejections[0]
        why = f"{len(known.rejections)} of its rows cannot be used, such as row {first.line}: {first.reason}"
        report.notes.append(f"{shown(samples)}: {why}")
    return report


def open_clean(
    path: Path, known: Dataset | None, *, workspace: Workspace | None = None, system: str | None = None
) -> ModelReport:
    """Read a model file as numbers if the scan of files calls it clean; else the report says why not.

    Args:
        path: The file.
        known: A few rows that tell how the layers of a state dictionary follow each other.
        workspace: Its inventory and disabled detectors.
        system: The ML system that the model belongs to.

    Raises:
        InputError: If there is no such file or system.
    """
    if not path.is_file():
        raise InputError(
            "is not a file", where=str(path), hint="Name one model file. To scan folders: caponier scan artifact"
        )
    files = scan_artifact([path], workspace=workspace, system=system)
    report = ModelReport(path, files.scanned[0], list(files.findings))
    if report.scanned.verdict is not Verdict.CLEAN:
        why = report.scanned.reason or report.scanned.verdict.value
        what = "only files that are clean are looked into, and of this one scan artifact says"
        report.skipped.append(Skip(shown(path), f"{what}: {why}"))
        return report
    try:
        report.opened = open_model(path, known, sha256=report.scanned.sha256)
    except InputError as cannot:
        report.skipped.append(Skip(shown(path), ". ".join(filter(None, [cannot.what, cannot.hint]))))
    return report


def judge_opened(
    report: ModelReport,
    *,
    workspace: Workspace | None = None,
    system: str | None = None,
    progress: Progress | None = None,
) -> ModelReport:
    """Let every detector look at the model that was opened."""
    opened, watch = report.opened, progress or Silent()
    if opened is None:
        return report
    disabled = workspace.detect.disabled if workspace else ()
    detectors = [detector for name, detector in model_detectors().items() if name not in disabled]
    report.skipped += unavailable(model_detectors, workspace)
    watch.stage("Looking for backdoors", len(detectors))
    chosen = next((one for one in (workspace.systems if workspace else ()) if one.name == system), None)
    for detector in detectors:
        analysis = report.analyses[detector.name] = judge_model(detector, opened.model)
        if analysis.silent is not None:
            report.skipped.append(Skip(detector.name, analysis.silent))
        elif analysis.flagged:
            report.findings.append(_finding(opened, detector, analysis, chosen))
        watch.advance(1)
    return report


def open_model(path: Path, samples: Dataset | None, *, sha256: str | None = None) -> OpenedModel:
    """Read a network out of a file that was called clean.

    Args:
        path: The file.
        samples: To know by how the layers of a state dictionary follow each other.
        sha256: Of the file that was called clean.

    Raises:
        InputError: If it has changed since, or is no network that is computed here.
    """
    try:
        read = read_content(path, READ)
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror or failed}", where=str(path)) from failed
    if read.problem or read.sha256 is None or (sha256 is not None and read.sha256 != sha256):
        raise InputError(read.problem or "has changed while it was looked at", where=str(path))
    contents = read_contents(read.data, str(path))
    given = samples_of(samples) if samples is not None else None
    if given is None:
        network, features = assemble_bare(contents, str(path))
    else:
        network, features = assemble(contents, given.shape, given.x, given.labels, str(path)), given.x.shape[1]
    return OpenedModel(path, read.data, read.sha256, contents, ReadModel(network, given, features))


def samples_of(dataset: Dataset) -> Samples:
    """Return rows as a model takes them: labels that are whole numbers are its class numbers, others are put in order.

    Raises:
        InputError: If there are too few.
    """
    if len(dataset) < FEWEST:
        raise InputError(f"{len(dataset)} samples are too few; at least {FEWEST} are needed", where=str(dataset.path))
    shape = tuple(side for side in dataset.shape) if len(dataset.shape) > 1 else ()
    width = dataset.x.shape[1]
    side = round(width**0.5)
    if not shape and not dataset.features and side * side == width and side >= 6:
        shape = (side, side)
    return Samples(numbers_of(dataset), class_numbers(dataset), shape)


def numbers_of(dataset: Dataset) -> Floats:
    """Return rows (n, d) with as many bits as a network computes with.

    Raises:
        InputError: If a value is too large for them.
    """
    largest = float(np.abs(dataset.x).max(initial=0.0))
    if largest > float(np.finfo(np.float32).max):
        hint = "Scale the rows as the model takes them."
        raise InputError(f"values up to {largest:.3g} are too large", where=str(dataset.path), hint=hint)
    return dataset.x.astype(np.float32)


def class_numbers(dataset: Dataset) -> NDArray[np.int64]:
    """Return the class (n,) of each row by the model's own numbers."""
    whole = [int(name) for name in dataset.classes if name.isascii() and name.isdigit() and len(name) < 6]
    numbers = np.array(whole if len(whole) == len(dataset.classes) else range(len(dataset.classes)), np.int64)
    return numbers[dataset.y]


def _finding(opened: OpenedModel, detector: ModelDetector, analysis: ModelAnalysis, system: System | None) -> Finding:
    now = datetime.now(UTC)
    path = shown(opened.path)
    return build_finding(
        detector.name,
        SubjectRef("file", opened.sha256, path=path, sha256=opened.sha256),
        opened.sha256,
        confidence=min(analysis.confidence, detector.max_confidence.cap),
        techniques=detector.techniques,
        evidence=Evidence(detector.statistic, analysis.score, analysis.limit, facts=analysis.facts),
        summary=f"{opened.path.name}: {analysis.summary}",
        times=(now, now),
        system=system,
    )


def on(opened: OpenedModel, samples: Samples) -> OpenedModel:
    """Return the same model beside other samples."""
    return replace(opened, model=replace(opened.model, samples=samples))
