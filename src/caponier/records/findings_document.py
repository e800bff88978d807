"""The document `caponier.findings/1`, which every scan and every list of findings prints."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from caponier.matrix.documents.findings import SCHEMA
from caponier.records.finding import Finding
from caponier.records.skip import Skip

_PLACES: Final = ("dataset", "findings", "suspicious", "scanned", "context", "skipped", "rejected")
"""The parts that stand before all others, in order."""


def findings_document(
    matrix: str,
    findings: Iterable[Finding],
    *,
    skipped: Iterable[Skip] = (),
    rejected: tuple[int, Path | None] = (0, None),
    parts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the document, ready for JSON.

    Args:
        matrix: The version that the workspace has pinned, or else the one that names techniques by default.
        findings: What was detected.
        skipped: What was not read or judged.
        rejected: How many rows could not be used, and the file that took them, if there is one.
        parts: What only some scans have, such as `scanned` of files or `context` of security logs.
    """
    rows, file = rejected
    told: dict[str, Any] = {
        "findings": [finding.to_dict() for finding in findings],
        "skipped": [skip.to_dict() for skip in skipped],
        "rejected": {"rows": rows, "file": str(file) if rows and file else None},
        **(parts or {}),
    }
    placed: dict[str, Any] = {name: told.pop(name) for name in _PLACES if name in told}
    return {"schema": SCHEMA, "matrix": matrix, **placed, **told}
