"""Carry out every emulation once more with its control, so that the demo's heat-map rests on trials of this run."""

from collections.abc import Sequence

from caponier.app.coverage.cover import cover
from caponier.app.coverage.detectors import detectors
from caponier.app.inference.load import enrichments_of
from caponier.app.progress import Progress
from caponier.app.validate.lab.proving_ground import Scale
from caponier.app.validate.validate import validate
from caponier.app.workspace.verify_audit import verify_audit
from caponier.demo.folder import DemoFolder
from caponier.demo.outcome import Audit, Validated
from caponier.detect.registry import event_detectors
from caponier.emulate.registry import harmful_sources
from caponier.records.trial import Trial


def validated(folder: DemoFolder, seed: int, only: Sequence[str], watch: Progress) -> Validated:
    """Validate detectors, keep the trials in the demo's workspace, and work out the coverage.

    Args:
        folder: The demo's.
        seed: Fixes the trials.
        only: Names of detectors or emulations; by default of all detectors that are at work in the demo.
        watch: Told how far it is.
    """
    report = validate(
        only=only or _prompt(folder), scale=Scale(seeds=(seed,)), workspace=folder.workspace, progress=watch
    )
    return Validated(
        trials=len(report.trials),
        passed=sum(trial.passed for trial in report.trials),
        failed=tuple(_failure(trial) for trial in report.trials if not trial.passed),
        cells=cover(folder.workspace),
    )


def _prompt(folder: DemoFolder) -> list[str]:
    """Name the detectors that are at work in a demo: to enrich a day's log takes longer than all the rest.

    Nobody sends its model feedback, and to play with one that learns from it takes long as well.
    """
    slow = {
        name
        for name, one in event_detectors().items()
        if enrichments_of(one) or {*one.emulations} & {*harmful_sources()}
    }
    return [card.name for card in detectors() if card.name not in slow.union(folder.workspace.detect.disabled)]


def audited(folder: DemoFolder) -> Audit:
    """Walk the audit log of the demo's workspace."""
    chain = verify_audit(folder.workspace)
    return Audit(chain.ok, chain.rows, f"{chain.head.count}:{chain.head.hash}", chain.why)


def _failure(trial: Trial) -> str:
    if not trial.attack_succeeded:
        return f"{trial.emulation} did not succeed against {trial.target}, so {trial.detector} proves nothing"
    if not trial.detected:
        return f"{trial.detector} missed {trial.emulation} on {trial.target}"
    return f"{trial.detector} was not silent on {trial.control}"
