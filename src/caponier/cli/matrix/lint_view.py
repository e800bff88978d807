"""What `caponier matrix lint` found, in each format."""

import json
import re
from typing import Any, Final
from urllib.parse import quote

from caponier import __version__
from caponier.app.matrix.lint import LintedFile, LintReport, PlacedFlaw
from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.formats.safe_text import plain
from caponier.matrix.documents.lint import Code

FOUND: Final[Listing[tuple[LintedFile, PlacedFlaw]]] = Listing(
    [
        ListingColumn("file", lambda row: row[0].path),
        ListingColumn("line", lambda row: row[1].line),
        ListingColumn("column", lambda row: row[1].column),
        ListingColumn("code", lambda row: row[1].flaw.code.value),
        ListingColumn("id", lambda row: row[1].flaw.id),
        ListingColumn("where", lambda row: row[1].flaw.where),
        ListingColumn("message", lambda row: row[1].flaw.message),
    ],
    visible=True,
)
_SARIF: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def found_in(report: LintReport) -> list[tuple[LintedFile, PlacedFlaw]]:
    """Return each thing found, with its file."""
    return [(file, found) for file in report.files for found in file.flaws]


def lines(report: LintReport) -> str:
    """Write `file:line:column: CODE message`, a line each, as compilers and linters do."""
    return "".join(
        plain(f"{file.path}:{found.line}:{found.column}: {found.flaw.code.value} {found.flaw.message}") + "\n"
        for file, found in found_in(report)
    )


def document(report: LintReport) -> dict[str, Any]:
    """Return the document `caponier.lint/1`."""
    return {
        "schema": "caponier.lint/1",
        "versions": list(report.versions),
        "files": [{"path": file.path, "format": file.format, "ids": file.ids} for file in report.files],
        "found": FOUND.records(found_in(report)),
        "skipped": [skip.to_dict() for skip in report.skipped],
        "notes": list(report.remarks),
    }


def to_sarif(report: LintReport) -> str:
    """Write one run of SARIF 2.1.0: a rule for each code, a result for each thing found."""
    driver = {
        "name": "Caponier",
        "semanticVersion": __version__,
        "rules": [{"id": code.value, "shortDescription": {"text": code.words}} for code in Code],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not report.skipped,
                "toolExecutionNotifications": [
                    {"level": "warning", "message": {"text": str(skip)}} for skip in report.skipped
                ],
            }
        ],
        "results": [_result(file, found) for file, found in found_in(report)],
    }
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _result(file: LintedFile, found: PlacedFlaw) -> dict[str, Any]:
    quoted = quote(re.sub(r"^(?:\./)+", "", file.path))
    place = {
        "artifactLocation": {"uri": f"file://{quoted}" if file.path.startswith("/") else quoted},
        "region": {"startLine": found.line, "startColumn": found.column},
    }
    return {
        "ruleId": found.flaw.code.value,
        "level": "warning",
        "message": {"text": found.flaw.message},
        "locations": [{"physicalLocation": place}],
    }
