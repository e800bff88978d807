"""Proofs of detectors over data sets: a poison that makes a model worse, and harmless sets that look odd."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from caponier.app.progress import Progress
from caponier.app.scan.dataset import DatasetReport, scan_dataset
from caponier.app.validate.lab.proving_ground import ProvingGround
from caponier.app.validate.proofs.proof import ControlCheck, Pair, ProofRun
from caponier.emulate.poison import Poisoned, PoisonOutcome, as_npz, attempt
from caponier.emulate.registry import harmless_sets, poisons
from caponier.emulate.victims.digits import Pool
from caponier.formats.one_thread import one_thread

SHARE: Final = 0.1
"""Share of the rows whose labels a poison changes."""
TARGET: Final = "digits training set"


def prove_datasets(pairs: Sequence[Pair], ground: ProvingGround, watch: Progress) -> Iterator[ProofRun]:
    """Poison the training set, measure what that does to a model, and scan the file.

    Args:
        pairs: Detectors over data sets and their emulations.
        ground: The seed's world.
        watch: Advanced once an emulation.
    """
    names = sorted({pair.emulation.name for pair in pairs})
    control_reports = {name: _scanned(ground, name, harmless_sets()[name].apply(ground.split.train, ground.seed))
            for name in sorted({control for pair in pairs for control in pair.detector.controls})}  # fmt: skip
    for name in names:
        with one_thread():
            poisoned, outcome = attempt(
                poisons()[name], ground.split.train, ground.split.test, share=SHARE, seed=ground.seed
            )
        report = _scanned(ground, name, poisoned.pool)
        watch.advance(1)
        for pair in pairs:
            if pair.emulation.name == name:
                yield _run(pair, poisoned, outcome, report, control_reports, ground.seed)


def _scanned(ground: ProvingGround, name: str, pool: Pool) -> DatasetReport:
    path: Path = ground.folder / f"{name}.npz"
    path.write_bytes(as_npz(pool))
    with one_thread():
        return scan_dataset(path, workspace=ground.workspace)


def _run(
    pair: Pair,
    poisoned: Poisoned,
    outcome: PoisonOutcome,
    report: DatasetReport,
    control_reports: dict[str, DatasetReport],
    seed: int,
) -> ProofRun:
    name = pair.detector.name
    # Rows of a `.npz` without ids are called by their position.
    flagged = {int(row.id) for row in report.suspicious if row.detector == name}
    changed = set(np.flatnonzero(poisoned.changed).tolist())
    hit = len(flagged & changed)
    figures: dict[str, Any] = {
        "rows": report.rows,
        "changed": len(changed),
        "flagged": len(flagged),
        "recall": round(hit / len(changed), 4) if changed else None,
        "precision": round(hit / len(flagged), 4) if flagged else None,
        "attack": {"accuracy_clean": outcome.accuracy_clean, "accuracy_poisoned": outcome.accuracy_poisoned},
    }
    found = any(finding.detector == name for finding in report.findings)
    controls = {control: _check(control_reports[control], name) for control in pair.detector.controls}
    # A finding that names more good rows than bad ones has not found the poison.
    return ProofRun(pair, TARGET, seed, outcome.success, found and 2 * hit > len(flagged), controls, figures)


def _check(report: DatasetReport, detector: str) -> ControlCheck:
    return ControlCheck(1, int(any(finding.detector == detector for finding in report.findings)))
