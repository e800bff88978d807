"""Take flagged rows out of a data set, or give them better labels, and prove what that did to a model."""

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.app.progress import Progress, Silent
from caponier.app.remediate.new_file import UNMEASURED, keep_record, record_of, refuse_existing
from caponier.app.remediate.pinned_test_set import ATTACK, Measured, PinnedTestSet, trainer
from caponier.app.remediate.repaired_incident import repaired_incident, require_incident
from caponier.app.scan.dataset import DatasetReport, judge, provenance
from caponier.detect.dataset import NOTHING, Analysis, FoundTrigger
from caponier.detect.provenance.recorded_rows import NAME as PROVENANCE
from caponier.errors import InputError
from caponier.formats.atomic_file import write_bytes
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from caponier.records.remediation import Remediation, RemediationKind
from caponier.remediate.dataset_file import Repair, labels_after, quarantined, repaired
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.labelled_data.datasets import read_dataset
from caponier.telemetry.rejections import RejectedRows

DEAD, DEAD_PART = 0.05, 0.25
"""Attack success up to which a trigger is dead: of any model some rows follow whatever is put on them."""
PRICE: Final = 0.01
"""Accuracy that taking a backdoor out may cost."""


@dataclass(frozen=True)
class DatasetRemediation:
    """What was found, and what was done about it."""

    report: DatasetReport
    done: Remediation | None
    """None if no row was flagged: then nothing was written."""
    before: Measured | None = None
    after: Measured | None = None
    stage: Stage | None = None
    """Where the incident is now, if it moved on."""

    @property
    def proven(self) -> bool:
        """Whether the accuracy after the repair is not below the one before, and a trigger that was found is dead.

        Whoever takes a backdoor out may pay a hundredth of the accuracy for it.
        """
        if self.done is None or "accuracy" not in self.done.after:
            return False
        before, after = self.done.before, self.done.after
        if ATTACK not in after:
            return after["accuracy"] >= before["accuracy"]
        dead = after[ATTACK] <= max(DEAD, DEAD_PART * before[ATTACK])
        return dead and after["accuracy"] >= before["accuracy"] - PRICE


@dataclass(frozen=True)
class DatasetRepair:
    """What the user asks for."""

    out: Path
    """The new data set; must not exist yet."""
    quarantine: Path | None = None
    """The side file of flagged rows; next to `out` by default."""
    # Measured in bench/scorecards/remediation.py: a relabelled set never trained a worse model there, one with rows
    # dropped did.
    repair: Repair = Repair.RELABEL
    test: Path | None = None
    test_sha256: str | None = None
    train_command: str | None = None
    """In place of the built-in reference model."""
    seed: int = 0
    incident_id: str | None = None
    manifest: Path | None = None
    """What the rows were: those that were changed since are taken out, or given the label that was recorded."""

    @property
    def side_file(self) -> Path:
        """Where the flagged rows go."""
        return self.quarantine or self.out.with_name(f"{self.out.stem}.quarantine{self.out.suffix}")


def remediate_dataset(
    path: Path,
    asked: DatasetRepair,
    columns: Columns | None = None,
    *,
    workspace: Workspace | None = None,
    rejected: RejectedRows | None = None,
    progress: Progress | None = None,
) -> DatasetRemediation:
    """Judge a data set, write a repaired one and the rows taken out, and measure a model trained on each.

    The original is never touched. Without a test set nothing is measured, and so nothing proven.

    Raises:
        InputError: If an input cannot be used, or an output exists; then nothing was written.
    """
    watch = progress or Silent()
    _refuse_unusable(path, asked, workspace)
    watch.stage(f"Reading {path.name}")
    recorded, dataset = provenance(asked.manifest, columns), read_dataset(path, columns)
    test = PinnedTestSet.read(asked.test, columns, asked.test_sha256) if asked.test else None
    triggers: list[FoundTrigger] = []
    measuring = trainer(test, dataset, asked.train_command, asked.seed, triggers) if test else None
    report, analyses = judge(dataset, recorded=recorded, workspace=workspace, rejected=rejected, progress=watch)
    triggers += [trigger for analysis in analyses.values() for trigger in analysis.triggers]
    flagged, suggested, scores = _joined(dataset, _beside_the_manifest(analyses))
    if not flagged.any():
        return DatasetRemediation(report, None)
    keep, labels = labels_after(dataset, flagged, suggested, asked.repair)
    new, side = repaired(dataset, keep, labels), quarantined(dataset, flagged, suggested, scores)
    before = after = None
    if measuring:
        watch.stage("Training on the rows as they are")
        before = measuring(path, dataset)
    # Training may have taken hours.
    _refuse_existing(path, asked)
    try:
        write_bytes(asked.side_file, side)
        write_bytes(asked.out, new)
        if measuring:
            watch.stage("Training on the repaired rows")
            after = measuring(asked.out, dataset.rows(np.flatnonzero(keep), labels))
        digests = {"kept": dataset.sha256, "produced": _sha256(new), "quarantine": _sha256(side)}
        details = _details(dataset, asked, columns, flagged, keep)
        details |= {"detectors": sorted(analyses), "sha256": digests}
        done = record_of(
            RemediationKind.DATASET, path, asked.out, incident_id=asked.incident_id,
            measured_on=test.digest if test else UNMEASURED, before=before.figures if before else {},
            after=after.figures if after else {}, details=details,
        )  # fmt: skip
        keep_record(done, workspace)
    except BaseException:
        # A repaired file that nobody has measured or recorded must not be taken for one that was.
        asked.out.unlink(missing_ok=True)
        asked.side_file.unlink(missing_ok=True)
        raise
    result = DatasetRemediation(report, done, before, after)
    return replace(result, stage=repaired_incident(workspace, done)) if result.proven else result


def _details(
    dataset: Dataset,
    asked: DatasetRepair,
    columns: Columns | None,
    flagged: NDArray[np.bool_],
    keep: NDArray[np.bool_],
) -> dict[str, Any]:
    return {
        "repair": asked.repair.value,
        "rows": len(dataset),
        "flagged": int(flagged.sum()),
        "rows_after": int(keep.sum()),
        "rejected": len(dataset.rejections),
        "quarantine": str(asked.side_file),
        "columns": asdict(columns) if columns else None,
        "manifest": str(asked.manifest) if asked.manifest else None,
        "model": None if not asked.test else asked.train_command or f"reference model, seed {asked.seed}",
    }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _refuse_existing(path: Path, asked: DatasetRepair) -> None:
    if asked.out.resolve() == asked.side_file.resolve():
        raise InputError("the new data set and the side file have the same name", where=str(asked.out))
    refuse_existing(path, asked.out, asked.side_file)


def _beside_the_manifest(analyses: dict[str, Analysis]) -> dict[str, Analysis]:
    """Let what was recorded come first: a row that is as it was gets no other label, and the usual slips are left."""
    recorded = analyses.get(PROVENANCE)
    if recorded is None:
        return analyses
    rest = {
        name: replace(
            one, flagged=one.flagged & ~recorded.flagged, suggested=np.full(len(one.flagged), NOTHING, np.int64)
        )
        for name, one in analyses.items()
        if name != PROVENANCE and one.reasons
    }
    return {PROVENANCE: recorded, **rest}


def _joined(
    dataset: Dataset, analyses: dict[str, Analysis]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.float64]]:
    """Join what the detectors flagged; the label and the score of a row are those of the first that flagged it.

    No label is given to a row that a detector flagged without suggesting one: with any label it would do harm.
    """
    flagged = np.zeros(len(dataset), bool)
    suggested, scores = np.full(len(dataset), NOTHING, np.int64), np.zeros(len(dataset))
    for analysis in analyses.values():
        new = analysis.flagged & ~flagged
        suggested[new], scores[new] = analysis.suggested[new], analysis.scores[new]
        flagged |= analysis.flagged
    for analysis in analyses.values():
        suggested[analysis.flagged & (analysis.suggested == NOTHING)] = NOTHING
    return flagged, suggested, scores


def _refuse_unusable(path: Path, asked: DatasetRepair, workspace: Workspace | None) -> None:
    """Tell what cannot be used before any work."""
    _refuse_existing(path, asked)
    if asked.test_sha256 is not None and asked.test is None:
        raise InputError("--test-sha256 is of use with a test set alone", hint="Name one with --test FILE.")
    require_incident(workspace, asked.incident_id)
