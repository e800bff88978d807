"""Proofs of detectors over model files: files that carry code, and real ones that carry none; none is ever loaded."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from caponier.app.progress import Progress
from caponier.app.scan.artifact import ArtifactReport, scan_artifact
from caponier.app.validate.lab.proving_ground import ProvingGround
from caponier.app.validate.proofs.proof import ControlCheck, Pair, ProofRun
from caponier.detect.artifact import Verdict
from caponier.emulate.registry import files
from caponier.errors import CaponierError, MissingExtraError
from caponier.records.skip import Skip

TARGET: Final = "model files"


def prove_artifacts(
    pairs: Sequence[Pair], ground: ProvingGround, watch: Progress, skipped: list[Skip]
) -> Iterator[ProofRun]:
    """Write files and scan them.

    Args:
        pairs: Detectors over files and their emulations.
        ground: The seed's world.
        watch: Advanced once an emulation.
        skipped: Takes what could not be done.

    Raises:
        CaponierError: If a scan ran the code in one of the files.
    """
    canary = ground.folder / "canary"
    wanted = sorted({name for pair in pairs for name in pair.detector.controls})
    control_reports = {name: report for name in wanted if (report := _scanned(name, ground, canary, skipped))}
    for name in sorted({pair.emulation.name for pair in pairs}):
        report = _scanned(name, ground, canary, skipped)
        watch.advance(1)
        if report is None:
            continue
        if canary.exists():
            raise CaponierError("the scan ran the code in a file", where=name)
        for pair in pairs:
            if pair.emulation.name == name:
                yield _run(pair, report, control_reports, ground.seed)


def _scanned(name: str, ground: ProvingGround, canary: Path, skipped: list[Skip]) -> ArtifactReport | None:
    folder = ground.folder / "files" / name
    folder.mkdir(parents=True)
    try:
        files()[name].write(folder, canary)
    except MissingExtraError as missing:
        skipped.append(Skip(name, str(missing)))
        return None
    return scan_artifact([folder], workspace=ground.workspace)


def _run(pair: Pair, report: ArtifactReport, control_reports: dict[str, ArtifactReport], seed: int) -> ProofRun:
    name = pair.detector.name
    unsafe = {finding.subject.path for finding in report.findings if finding.detector == name}
    verdicts = [file.verdict for file in report.scanned]
    figures = {
        "files": len(verdicts),
        "unsafe": len(unsafe),
        "unknown": verdicts.count(Verdict.UNKNOWN),
        "unsafe_share": round(len(unsafe) / len(verdicts), 4) if verdicts else 0.0,
    }
    controls = {
        control: _check(control_reports[control], name)
        for control in pair.detector.controls
        if control in control_reports
    }
    # That such a file runs code when it is loaded is shown by its opcodes, never by loading it.
    carries = files()[pair.emulation.name].harmful and bool(verdicts)
    detected = bool(verdicts) and len(unsafe) == len(verdicts)
    return ProofRun(pair, TARGET, seed, carries, detected, controls, figures)


def _check(report: ArtifactReport, detector: str) -> ControlCheck:
    """A real file of which nothing is known is not what its owner wants to hear, so it counts as flagged."""
    accused = {finding.subject.path for finding in report.findings if finding.detector == detector}
    unknown = {file.path for file in report.scanned if file.verdict is Verdict.UNKNOWN}
    return ControlCheck(len(report.scanned), len(accused | unknown))
