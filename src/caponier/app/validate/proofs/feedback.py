"""Proofs of detectors of bad feedback: a model that learns from its users, taught something wrong among honest ones."""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow.compute as pc

from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.app.progress import Progress
from caponier.app.validate.lab.proving_ground import SPEC, ProvingGround
from caponier.app.validate.proofs.events import first_found
from caponier.app.validate.proofs.proof import ControlCheck, Pair, ProofRun
from caponier.detect.calibration.baseline import Baseline
from caponier.emulate.simulation.feedback_simulation import FeedbackHistory
from caponier.emulate.simulation.scenario import ATTACKER, SCENES, learned_from
from caponier.formats.one_thread import one_thread
from caponier.records.accused import accused
from caponier.records.skip import Skip

TARGET: Final = "digits-learner"
"""It learns from what it is told, so it is used in process and in simulated time; there is no server and no guard."""


def prove_feedback(
    pairs: Sequence[Pair], ground: ProvingGround, watch: Progress, skipped: list[Skip]
) -> Iterator[ProofRun]:
    """Let attackers teach a model among harmless users, and scan the log of it.

    Args:
        pairs: Detectors of bad feedback and their emulations.
        ground: The seed's world.
        watch: Advanced once an emulation.
        skipped: Takes what could not be done.
    """
    if not pairs:
        return
    with one_thread():
        control_reports = learned_from(ground.split, ground.seed, ground.scale.users)
        benign = ground.write("feedback-benign.parquet", control_reports.events)
        learned = build_baseline([benign], workspace=ground.workspace, spec=SPEC).baseline
        for name in sorted({pair.emulation.name for pair in pairs}):
            course = SCENES[name].played(ground.split, ground.seed)
            report = _scanned(name, course, learned, ground)
            watch.advance(1)
            for pair in pairs:
                if pair.emulation.name == name:
                    silent = [skip for skip in report.skipped if skip.what.endswith(f": {pair.detector.name}")]
                    skipped += silent
                    if not silent:
                        yield _run(pair, course, report, ground)


def _scanned(name: str, course: FeedbackHistory, learned: Baseline, ground: ProvingGround) -> ScanReport:
    return scan_inference([ground.write(f"{name}.parquet", course.events)], learned, workspace=ground.workspace)


def _run(pair: Pair, course: FeedbackHistory, report: ScanReport, ground: ProvingGround) -> ProofRun:
    outcome = SCENES[pair.emulation.name].outcome(course)
    found = [finding for finding in report.findings if finding.detector == pair.detector.name]
    named = {who for finding in found for who in accused(finding)}
    everybody = set(course.events["principal"].to_pylist())
    attackers = sorted(who for who in everybody if who.startswith(ATTACKER))
    seen = [who for who in attackers if who in named]
    firsts = [
        first_found(course.events, frozenset({who}), [one for one in found if who in accused(one)]) for who in seen
    ]
    figures = {
        "queries": pc.sum(pc.starts_with(course.events["principal"], ATTACKER)).as_py(),
        # Of the attacker who was seen last, so that it holds for each of them.
        **max(firsts, key=lambda first: first["queries_to_first_finding"], default={}),
        "attackers": len(attackers),
        "attackers_found": len(seen),
        "findings": len(found),
        "alpha": f"{ground.scale.alpha:g}",
        "attack": outcome.measure,
    }
    controls = {name: _check(name, everybody, named) for name in pair.detector.controls}
    # One attacker of twenty would be found by chance.
    detected = 2 * len(seen) > len(attackers)
    return ProofRun(pair, TARGET, ground.seed, outcome.success, detected, controls, figures)


def _check(control: str, everybody: set[str], named: set[str]) -> ControlCheck:
    users = {who for who in everybody if who.rsplit("-", 2)[0] == control}
    return ControlCheck(len(users), len(users & named))
