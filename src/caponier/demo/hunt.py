"""Look for the demo's attack in the model's traffic, the security logs, a training batch and the model files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from caponier.app.incidents.incidents import list_incidents
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.inference.scan import ScanReport
from caponier.app.scan.artifact import scan_artifact
from caponier.app.scan.dataset import scan_dataset
from caponier.app.scan.logs import scan_logs
from caponier.demo.batch import BACKDOOR, POISON, Batch, poisoned_batch, test_set
from caponier.demo.folder import DemoFolder
from caponier.demo.models import ATTACK, UNSAFE, fill
from caponier.demo.outcome import BatchSeen, FileSeen, Hunt, LogsSeen
from caponier.demo.theft import ACCOUNT, STORY, SecurityLogs, security_logs
from caponier.emulate.event_log import Deployment
from caponier.emulate.registry import files, poisons, stories
from caponier.emulate.victims.digits import DigitsSplit
from caponier.formats.atomic_file import write_bytes
from caponier.records.finding import Finding
from caponier.remediate.model_registry import FILE_NAME


@dataclass(frozen=True, eq=False)
class Traces:
    """What the attacker leaves behind outside the model's traffic, as whoever made it knows it."""

    logs: SecurityLogs
    batch: Batch


def leave_traces(folder: DemoFolder, split: DigitsSplit, deployment: Deployment, seed: int) -> Traces:
    """Write security logs, a poisoned batch and a model folder with an unsafe file."""
    logs = security_logs(seed, f"{folder.models.name}/{UNSAFE}")
    batch = poisoned_batch(split, seed)
    write_bytes(folder.security_log, logs.attack)
    write_bytes(folder.usual_log, logs.control)
    write_bytes(folder.batch_before, batch.before())
    write_bytes(folder.batch, batch.after())
    write_bytes(folder.test_set, test_set(split))
    fill(folder.models, deployment.model, batch, seed, folder.canary)
    return Traces(logs, batch)


def hunt(folder: DemoFolder, deployment: Deployment, traces: Traces, traffic: ScanReport) -> Hunt:
    """Scan what there is, keep what was found, and join it into incidents.

    Args:
        folder: The demo's.
        deployment: What is served.
        traces: From `leave_traces`.
        traffic: The scan of the model's traffic.
    """
    keep_findings(folder.workspace, traffic.findings)
    logs = _logs(folder, traces.logs)
    batch = _batch(folder, traces.batch)
    seen, found = _files(folder, deployment)
    return Hunt(
        inference=tuple(traffic.findings),
        logs=logs,
        batch=batch,
        files=seen,
        file_findings=found,
        incidents=tuple(list_incidents(folder.workspace)),
        acted=frozenset(
            technique
            for attack in (stories.one(STORY), poisons()[POISON], poisons()[BACKDOOR], files()[ATTACK])
            for technique in attack.techniques
        ),
        loaded=folder.canary.exists(),
    )


def _logs(folder: DemoFolder, told: SecurityLogs) -> LogsSeen:
    report = scan_logs([folder.security_log], workspace=folder.workspace)
    usual = scan_logs([folder.usual_log], workspace=folder.workspace)
    keep_findings(folder.workspace, report.findings, report.context)
    return LogsSeen(
        rows=report.events,
        malicious=told.malicious,
        succeeded=told.succeeded,
        taken=told.taken,
        findings=tuple(report.findings),
        context=tuple(report.context),
        control_findings=len(usual.findings),
    )


def _batch(folder: DemoFolder, batch: Batch) -> BatchSeen:
    report = scan_dataset(folder.batch, workspace=folder.workspace)
    before = scan_dataset(folder.batch_before, workspace=folder.workspace)
    keep_findings(folder.workspace, report.findings)
    flagged = np.isin(np.arange(report.rows).astype(str), [row.id for row in report.suspicious])
    return BatchSeen(
        source=ACCOUNT,
        rows=report.rows,
        flipped=int(batch.flipped.sum()),
        triggered=int(batch.triggered.sum()),
        flagged=int(flagged.sum()),
        recall=float(flagged[batch.flipped].mean()),
        triggered_found=float(flagged[batch.triggered].mean()),
        precision=float(batch.changed[flagged].mean()) if flagged.any() else 0.0,
        findings=tuple(report.findings),
        control_findings=len(before.findings),
    )


def _files(folder: DemoFolder, deployment: Deployment) -> tuple[tuple[FileSeen, ...], tuple[Finding, ...]]:
    report = scan_artifact([folder.models], workspace=folder.workspace, system=deployment.system)
    keep_findings(folder.workspace, report.findings)
    named = [(Path(file.path).name, file) for file in report.scanned]
    seen = (FileSeen(name, name == UNSAFE, file) for name, file in named)
    models = tuple(file for file in seen if file.name != FILE_NAME)
    return models, tuple(report.findings)
