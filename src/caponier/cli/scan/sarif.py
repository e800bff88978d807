"""SARIF 2.1.0 (OASIS): the format in which code hosts take the results of scanners."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from caponier import __version__
from caponier.app.scan.artifact import ArtifactReport, ScannedFile
from caponier.detect.artifact import Verdict
from caponier.matrix.technique import TechniqueRef
from caponier.records.finding import Finding, Severity

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {
    Severity.INFO: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}
_UNJUDGED: Final = "unjudged_file"
_SCORES: Final = {
    Severity.INFO: "0.0",
    Severity.LOW: "3.0",
    Severity.MEDIUM: "5.5",
    Severity.HIGH: "8.0",
    Severity.CRITICAL: "9.5",
}


def to_sarif(report: ArtifactReport) -> str:
    """Write one run: a result for each finding, and an open one for each file of which nothing is known."""
    accepted = {file.sha256: file.ignored for file in report.scanned if file.ignored}
    unknown = [file for file in report.scanned if file.verdict is Verdict.UNKNOWN]
    ignored = [file for file in report.scanned if file.verdict is Verdict.UNSAFE and file.sha256 in accepted]
    places = {file.path: index for index, file in enumerate(report.scanned)}
    results = [_result(finding, places) for finding in report.findings]
    results += [_suppressed(file, places) for file in ignored]
    results += [_open(file, places) for file in unknown]
    run = {
        "tool": {"driver": _driver(report.findings)},
        "artifacts": [_artifact(file) for file in report.scanned],
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _driver(findings: Sequence[Finding]) -> dict[str, Any]:
    rules = {finding.detector: _rule(finding) for finding in findings}
    rules.setdefault("unsafe_code", {"id": "unsafe_code", "shortDescription": {"text": "A file that runs code"}})
    rules[_UNJUDGED] = {"id": _UNJUDGED, "shortDescription": {"text": "A file that could not be judged; not clean"}}
    return {"name": "Caponier", "semanticVersion": __version__, "rules": list(rules.values())}


def _rule(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.detector,
        "shortDescription": {"text": finding.detector.replace("_", " ").capitalize()},
        "help": {"text": "; ".join(_named(technique) for technique in finding.techniques)},
        "properties": {"tags": ["security", *(technique.id for technique in finding.techniques)]},
    }


def _result(finding: Finding, places: dict[str, int]) -> dict[str, Any]:
    path = finding.subject.path or finding.subject.id
    return {
        "ruleId": finding.detector,
        "kind": "fail",
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.summary},
        "locations": [_location(path, places)],
        "partialFingerprints": {"sha256/v1": finding.subject.sha256 or "", "findingId/v1": finding.finding_id},
        "properties": {
            "confidence": finding.confidence,
            "security-severity": _SCORES[finding.severity],
            "techniques": [_named(technique) for technique in finding.techniques],
        },
    }


def _suppressed(file: ScannedFile, places: dict[str, int]) -> dict[str, Any]:
    return {
        "ruleId": "unsafe_code",
        "kind": "fail",
        "level": "warning",
        "message": {"text": file.reason or ""},
        "locations": [_location(file.path, places)],
        "suppressions": [{"kind": "external", "justification": file.ignored}],
    }


def _open(file: ScannedFile, places: dict[str, int]) -> dict[str, Any]:
    result = {
        "ruleId": _UNJUDGED,
        "kind": "open",
        "level": "none",
        "message": {"text": file.reason or "unknown"},
        "locations": [_location(file.path, places)],
    }
    return result | ({"suppressions": [{"kind": "external", "justification": file.ignored}]} if file.ignored else {})


def _artifact(file: ScannedFile) -> dict[str, Any]:
    artifact: dict[str, Any] = {"location": {"uri": _uri(file.path)}}
    return artifact | ({"hashes": {"sha-256": file.sha256}} if file.sha256 else {})


def _location(path: str, places: dict[str, int]) -> dict[str, Any]:
    place: dict[str, Any] = {"uri": _uri(path)}
    if path in places:
        place["index"] = places[path]
    return {"physicalLocation": {"artifactLocation": place}}


def _uri(path: str) -> str:
    quoted = quote(re.sub(r"^(?:\./)+", "", path))
    return f"file://{quoted}" if path.startswith("/") else quoted


def _named(technique: TechniqueRef) -> str:
    return f"{technique.id} {technique.name}"
