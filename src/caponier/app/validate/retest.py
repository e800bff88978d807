"""Test again what an incident was about, once it is remediated: what passes makes it `verified`.

Every data set and every model that was repaired for it is scanned anew, as it lies there now (a model that was taught
anew must be the file that was attacked then); and every detector that saw the incident in events, logs or files must
still see its attack and leave the controls alone. A rollback is tested by its detectors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caponier.app.incidents.incidents import CaseFile, advance_incident, show_incident
from caponier.app.progress import Progress
from caponier.app.remediate.repaired_incident import BEFORE
from caponier.app.scan.dataset import scan_dataset
from caponier.app.scan.model import open_clean, scan_model
from caponier.app.validate.lab.proving_ground import Scale
from caponier.app.validate.validate import QUICK, ValidationReport, validate
from caponier.detect.provenance.recorded_rows import NAME as PROVENANCE
from caponier.detect.registry import dataset_detectors, model_detectors
from caponier.errors import InputError
from caponier.records.incident import Incident, Stage
from caponier.records.inventory import Workspace
from caponier.records.remediation import Remediation, RemediationKind
from caponier.store import remediations
from caponier.store.database import open_store
from caponier.telemetry.labelled_data.dataset import Columns
from caponier.telemetry.labelled_data.datasets import read_dataset


@dataclass(frozen=True)
class Checked:
    """One repaired data set or model, scanned anew."""

    path: str
    passed: bool
    why: str


@dataclass(frozen=True)
class Retest:
    """What the test of an incident showed."""

    incident: Incident
    """As it is now."""
    checked: tuple[Checked, ...]
    report: ValidationReport | None
    """Of the detectors that saw it; None if none of them can be tested."""

    @property
    def passed(self) -> bool:
        """Whether everything that was tested passed, and something was."""
        trials = self.report.trials if self.report else ()
        failed = self.report is not None and bool(self.report.failed or self.report.inconclusive or self.report.skipped)
        return bool(self.checked or trials) and all(one.passed for one in self.checked) and not failed


def _before_a_retest(stage: Stage, incident_id: str) -> str:
    if stage in BEFORE:
        how = f"… --out NEW --test FILE --incident {incident_id}"
        return f"Repair with proof first: caponier remediate model (or dataset) {how}"
    return f"See what was done: caponier incidents show {incident_id}"


def retest(incident_id: str, workspace: Workspace, *, scale: Scale = QUICK, progress: Progress | None = None) -> Retest:
    """Test an incident again, and make it `verified` if that passes.

    Args:
        incident_id: Of one that is remediated.
        workspace: Where it is.
        scale: How much is done for each detector.
        progress: Told how far it is.

    Raises:
        InputError: If there is no such incident, it is not remediated, or nothing of it can be tested.
    """
    case = show_incident(workspace, incident_id)
    if case.incident.stage is not Stage.REMEDIATED:
        raise InputError(
            f"the incident is {case.incident.stage.value}, and only one that is remediated can be verified",
            where=incident_id,
            hint=_before_a_retest(case.incident.stage, incident_id),
        )
    with open_store(workspace.store) as store, store.read() as connection:
        done = remediations.search(connection, incident_id=case.incident.incident_id)
    checked = tuple(_checked(one, workspace) for one in _last(done))
    tested = _tested(case)
    if not checked and not tested:
        raise InputError(
            "nothing of it can be tested again", where=incident_id, hint="Note why, and reopen or keep it."
        )
    report = validate(only=tested, scale=scale, workspace=workspace, progress=progress) if tested else None
    found = Retest(case.incident, checked, report)
    if not found.passed:
        return found
    parts = [f"{len(checked)} repaired file{'s' * (len(checked) > 1)} scanned anew, nothing found"] if checked else []
    parts += [f"{len(report.trials)} trials passed"] if report else []
    reason = f"tested again: {'; '.join(parts)}"
    moved = advance_incident(workspace, case.incident.incident_id, Stage.VERIFIED, reason=reason)
    return Retest(moved, checked, report)


def _tested(case: CaseFile) -> Sequence[str]:
    """Return the detectors that saw it; data sets and models are scanned anew instead."""
    anew = {*dataset_detectors(), *model_detectors(), PROVENANCE, "sigma"}
    return sorted({finding.detector for finding in case.findings} - anew)


def _last(done: Sequence[Remediation]) -> list[Remediation]:
    """Return the last repair of each data set and model: what it repaired before has been repaired again."""
    last: dict[str, Remediation] = {}
    for one in done:
        if one.kind is not RemediationKind.ROLLBACK:
            last.setdefault(one.subject, one)
    return list(last.values())


def _checked(done: Remediation, workspace: Workspace) -> Checked:
    if done.kind is RemediationKind.MODEL:
        return _checked_model(done, workspace)
    if done.kind in (RemediationKind.MEMBERSHIP, RemediationKind.ROBUSTNESS):
        return _checked_taught(done, workspace)
    try:
        columns, recorded = _columns(done.details.get("columns")), done.details.get("manifest")
        manifest = Path(recorded) if recorded else None
        report = scan_dataset(Path(done.produced), columns, manifest=manifest, workspace=workspace)
    except InputError as gone:
        return Checked(done.produced, False, str(gone))
    if report.sha256 != done.details.get("sha256", {}).get("produced"):
        return Checked(done.produced, False, "it is not the file that was written: its digest is another one")
    if report.findings:
        return Checked(done.produced, False, report.findings[0].summary)
    return Checked(done.produced, True, f"{report.rows:,} rows, nothing found")


def _checked_model(done: Remediation, workspace: Workspace) -> Checked:
    samples, columns = Path(done.details["samples"]), Columns(done.details.get("label"))
    try:
        report = scan_model(Path(done.produced), samples, columns, workspace=workspace)
    except InputError as gone:
        return Checked(done.produced, False, str(gone))
    if report.scanned.sha256 != done.details.get("sha256", {}).get("produced"):
        return Checked(done.produced, False, "it is not the file that was written: its digest is another one")
    if report.findings or report.skipped:
        why = report.findings[0].summary if report.findings else str(report.skipped[0])
        return Checked(done.produced, False, why)
    return Checked(done.produced, True, f"{len(report.analyses)} detectors, nothing found")


def _checked_taught(done: Remediation, workspace: Workspace) -> Checked:
    """Tell whether a model that was taught anew is the file that was attacked then, and holds nothing but numbers."""
    path = Path(done.produced)
    try:
        rows = read_dataset(Path(done.details["rows"]), Columns(done.details.get("label")))
        report = open_clean(path, rows, workspace=workspace)
    except InputError as gone:
        return Checked(done.produced, False, str(gone))
    if report.scanned.sha256 != done.details.get("sha256", {}).get("produced"):
        return Checked(done.produced, False, "it is not the file that was written: its digest is another one")
    if report.opened is None:
        return Checked(done.produced, False, str(report.skipped[0]))
    return Checked(done.produced, True, "the file that was attacked, and clean")


def _columns(plain: dict[str, Any] | None) -> Columns | None:
    if plain is None:
        return None
    lists = {name: tuple(plain[name]) for name in ("features", "exclude")}
    return Columns(**{**plain, **lists})
