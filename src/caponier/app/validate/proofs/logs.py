"""Proofs of detections in security logs: the story of an attack, and the same organisation's usual work alone."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from caponier.app.incidents.correlate import settings_of
from caponier.app.progress import Progress
from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.validate.lab.proving_ground import ProvingGround
from caponier.app.validate.proofs.proof import ControlCheck, Pair, ProofRun
from caponier.emulate.log_story import LogStory, LogTrace
from caponier.emulate.registry import stories
from caponier.errors import MissingExtraError
from caponier.records.inventory import Workspace
from caponier.records.skip import Skip
from caponier.respond.correlate import correlate

FINDING: Final = "finding"
CONTEXT: Final = "context of an incident"


def prove_logs(
    pairs: Sequence[Pair], ground: ProvingGround, watch: Progress, skipped: list[Skip]
) -> Iterator[ProofRun]:
    """Scan the log of each story with and without the attack, scoped to the ML system that is attacked.

    Args:
        pairs: Rules and the stories that they must detect.
        ground: The seed's world.
        watch: Advanced once a story.
        skipped: Takes what could not be done.
    """
    for name in sorted({pair.emulation.name for pair in pairs}):
        story, mine = stories()[name], [pair for pair in pairs if pair.emulation.name == name]
        workspace = ground.workspace.model_copy(update={"systems": (story.system,)})
        attack = story.attack(ground.seed)
        try:
            bad = _scanned(ground, workspace, f"{name}.jsonl", attack)
            control_reports = _scanned(ground, workspace, f"{name}-usual.jsonl", story.control(ground.seed))
        except MissingExtraError as missing:
            skipped.append(Skip(name, str(missing)))
            continue
        watch.advance(1)
        joined = _joined(bad, workspace)
        for pair in mine:
            yield _run(pair, story, attack, (bad, control_reports), joined, ground.seed)


def _scanned(ground: ProvingGround, workspace: Workspace, name: str, trace: LogTrace) -> LogScanReport:
    path = ground.folder / name
    path.write_bytes(trace.to_json_lines())
    return scan_logs([path], workspace=workspace)


def _joined(report: LogScanReport, workspace: Workspace) -> set[tuple[str, str]]:
    """Return rule and event of the silent context that became part of an incident."""
    result = correlate(report.findings, report.context, [], workspace, settings_of(workspace), datetime.now(UTC))
    silent = {id_ for one in result.incidents for step in one.steps if not step.finding_id for id_ in step.event_ids}
    return {(event.rule, event.event_id) for event in report.context if event.event_id in silent}


def _run(
    pair: Pair,
    story: LogStory,
    trace: LogTrace,
    reports: tuple[LogScanReport, LogScanReport],
    joined: set[tuple[str, str]],
    seed: int,
) -> ProofRun:
    bad, control_reports = reports
    name = pair.detector.name
    found = [one for one in bad.findings if one.detector == name and one.subject.id == trace.actor]
    inside = [
        one for one in bad.context
        if one.rule == name and one.account == trace.actor and (one.rule, one.event_id) in joined
    ]  # fmt: skip
    as_ = FINDING if found else CONTEXT if inside else None
    figures = {"events": len(trace.rows), "findings": len(found), "seen_as": as_, "attack": dict(trace.measure)}
    flagged = sum(one.detector == name for one in control_reports.findings)
    controls = {
        control: ControlCheck(1, min(1, flagged))
        for control in pair.detector.controls
        if control.endswith(f" {story.name}")
    }
    target = f"ML system {story.system.name}"
    return ProofRun(pair, target, seed, trace.success, as_ is not None, controls, figures)
