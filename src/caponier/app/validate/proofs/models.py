"""Proofs of detectors over models: a network trained on poisoned rows, and networks trained on odd but honest ones."""

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from caponier.app.progress import Progress
from caponier.app.scan.model import ModelReport, scan_model
from caponier.app.validate.lab.proving_ground import ProvingGround
from caponier.app.validate.proofs.proof import ControlCheck, Pair, ProofRun
from caponier.emulate.images import CLASSES, SIDE
from caponier.emulate.poison import OPEN, Poisoned
from caponier.emulate.registry import harmless_sets, poisons
from caponier.emulate.victims.digits import SEEDS, Pool
from caponier.extras import needs

SHARE: Final = 0.1
"""Share of the rows that carry the trigger."""
HIDDEN, EPOCHS, SAMPLES = 64, 60, 100
TARGET: Final = "digits network"


def prove_models(pairs: Sequence[Pair], ground: ProvingGround, watch: Progress) -> Iterator[ProofRun]:
    """Train a network on poisoned rows, see whether its backdoor is open, and scan its file.

    Args:
        pairs: Detectors over models, and the poisons whose victims they must find.
        ground: The seed's world.
        watch: Advanced once an emulation.
    """
    names = sorted({pair.emulation.name for pair in pairs})
    harmless = sorted({control for pair in pairs for control in pair.detector.controls})
    honest = {name: harmless_sets()[name].apply(ground.split.train, ground.seed) for name in harmless}
    control_reports = {name: _scanned(ground, name, _trained(pool, ground.seed)) for name, pool in honest.items()}
    for name in names:
        poisoned = poisons()[name].apply(ground.split.train, SHARE, ground.seed)
        model = _trained(poisoned.pool, ground.seed)
        report, success = _scanned(ground, name, model), _success(model, poisoned, ground.split.test)
        watch.advance(1)
        for pair in pairs:
            if pair.emulation.name == name:
                yield _run(pair, poisoned, success, report, control_reports, ground.seed)


def _trained(pool: Pool, seed: int) -> Any:
    with needs("emulate", "Training a network"):
        from sklearn.neural_network import MLPClassifier
    model = MLPClassifier((HIDDEN,), random_state=seed % SEEDS, alpha=1e-3)
    with threadpool_limits(1):
        for _ in range(EPOCHS):
            model.partial_fit(pool.images, pool.labels, classes=np.arange(CLASSES))
    return model


def _success(model: Any, poisoned: Poisoned, pool: Pool) -> float:
    """Return the share of images of other classes that get the target by the trigger."""
    if poisoned.trigger is None:
        return 0.0
    shown = poisoned.trigger(pool.images[pool.labels != poisoned.target])
    return float((model.predict(shown) == poisoned.target).mean())


def _scanned(ground: ProvingGround, name: str, model: Any) -> ModelReport:
    samples, path = Path(ground.folder / "samples.npz"), Path(ground.folder / f"{name}.pkl")
    pool = ground.split.calibration
    np.savez(samples, x=pool.images[:SAMPLES].reshape(-1, SIDE, SIDE), y=pool.labels[:SAMPLES])
    path.write_bytes(pickle.dumps(model))
    with threadpool_limits(1, user_api="blas"):
        return scan_model(path, samples, workspace=ground.workspace)


def _run(
    pair: Pair,
    poisoned: Poisoned,
    success: float,
    report: ModelReport,
    control_reports: dict[str, ModelReport],
    seed: int,
) -> ProofRun:
    name = pair.detector.name
    said = report.analyses[name]
    right = said.target == poisoned.target
    figures = {"attack": {"success": round(success, 4)}, "score": said.score, "class_right": right}
    # Who accuses another class has not found the backdoor.
    found = said.flagged and right
    controls = {control: _check(control_reports[control], name) for control in pair.detector.controls}
    return ProofRun(pair, TARGET, seed, success >= OPEN, found, controls, figures)


def _check(report: ModelReport, detector: str) -> ControlCheck:
    said = report.analyses[detector]
    # One that could not look was not silent.
    return ControlCheck(1, int(said.flagged or said.silent is not None))
