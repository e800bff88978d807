"""A finding in the forms that receivers take: never with inputs, answers or what detectors know besides."""

from datetime import UTC
from typing import Any, Final

from caponier import __version__
from caponier.app.incidents.ocsf import SEVERITY_IDS, finding_info, metadata, millis
from caponier.records.finding import Finding, Severity, rfc3339

CLASS_UID: Final = 2004
"""Detection Finding."""
_CEF_SEVERITY: Final = {Severity.INFO: 1, Severity.LOW: 3, Severity.MEDIUM: 5, Severity.HIGH: 8, Severity.CRITICAL: 10}
_SYSLOG_SEVERITY: Final = {
    Severity.INFO: 6, Severity.LOW: 5, Severity.MEDIUM: 4, Severity.HIGH: 3, Severity.CRITICAL: 1,
}  # fmt: skip
_LONGEST: Final = 1_000
"""Characters of a text in a line of syslog."""


def alert(finding: Finding, workspace: str) -> dict[str, Any]:
    """Return the document `caponier.alert/1`."""
    evidence = finding.evidence
    return {
        "schema": "caponier.alert/1",
        "workspace": workspace,
        "finding_id": finding.finding_id,
        "severity": finding.severity.value,
        "confidence": finding.confidence,
        "detector": finding.detector,
        "system": finding.system,
        "model": finding.model,
        "model_version": finding.model_version,
        "subject": {"kind": finding.subject.kind, "id": finding.subject.id},
        "techniques": [{"id": ref.id, "name": ref.name, "matrix": ref.matrix} for ref in finding.techniques],
        "harms": list(finding.harms),
        "first_time": rfc3339(finding.first_time),
        "last_time": rfc3339(finding.last_time),
        "unique_queries": finding.unique_queries,
        "evidence": {
            "statistic": evidence.statistic,
            "value": evidence.value,
            "threshold": evidence.threshold,
            "basis": evidence.basis.value if evidence.basis else None,
            "expected_per_week": evidence.expected.benign if evidence.expected else None,
        },
        "summary": finding.summary,
        "notify": finding.notify,
    }


def ocsf(finding: Finding, workspace: str) -> dict[str, Any]:
    """Return a Detection Finding (class 2004) of OCSF 1.8.0."""
    return {
        "class_uid": CLASS_UID,
        "category_uid": 2,
        "activity_id": 1,
        "type_uid": CLASS_UID * 100 + 1,
        "severity_id": SEVERITY_IDS[finding.severity],
        "status_id": 1,
        "time": millis(finding.last_time),
        "confidence_score": round(100 * finding.confidence),
        "message": finding.summary,
        "metadata": metadata(finding.finding_id),
        "finding_info": finding_info(finding),
        "unmapped": alert(finding, workspace),
    }


def cef(finding: Finding, workspace: str) -> str:
    """Return a line in the Common Event Format, version 0."""
    head = [
        "CEF:0", "Caponier", "caponier", __version__, finding.detector, finding.summary,
        str(_CEF_SEVERITY[finding.severity]),
    ]  # fmt: skip
    plain = alert(finding, workspace)
    extension: dict[str, Any] = {
        "externalId": finding.finding_id,
        "rt": millis(finding.last_time),
        "start": millis(finding.first_time),
        "end": millis(finding.last_time),
        "cnt": finding.unique_queries,
        "msg": finding.summary,
        "cs1Label": "subject", "cs1": f"{finding.subject.kind} {finding.subject.id}",
        "cs2Label": "model", "cs2": finding.model or "",
        "cs3Label": "system", "cs3": finding.system or "",
        "cs4Label": "techniques", "cs4": " ".join(ref["id"] for ref in plain["techniques"]),
        "cs5Label": "workspace", "cs5": workspace,
    }  # fmt: skip
    if finding.subject.kind == "address":
        extension["src"] = finding.subject.id.split(" ", 1)[0]
    told = " ".join(f"{name}={_extended(value)}" for name, value in extension.items() if value != "")
    return f"{'|'.join(_headed(part) for part in head)}|{told}"


def syslog(finding: Finding, workspace: str) -> bytes:
    """Return a message of syslog (RFC 5424) that holds a line in the Common Event Format."""
    # Facility 13, log audit.
    level = _SYSLOG_SEVERITY[finding.severity]
    at = finding.last_time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"<{13 * 8 + level}>1 {at} - caponier - {finding.detector[:32]} - {cef(finding, workspace)}".encode()


def _headed(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace("|", "\\|")


def _extended(value: Any) -> str:
    return _one_line(str(value)).replace("\\", "\\\\").replace("=", "\\=")


def _one_line(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST])
    return shown.encode("utf-8", "replace").decode()
