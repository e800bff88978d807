"""What `caponier matrix lint` found, in each format."""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from caponier import __version__
from caponier.app.matrix.lint import LintedFile, LintReport, PlacedFlaw
from caponier.cli.terminal.safe_text import markdown, plain, spreadsheet
from caponier.matrix.documents.lint import Code

_COLUMNS: Final = ("file", "line", "column", "code", "id", "where", "message")
_SARIF: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def lines(report: LintReport) -> str:
    """Write `file:line:column: CODE message`, a line each, as compilers and linters do."""
    return "".join(
        plain(f"{file.path}:{found.line}:{found.column}: {found.flaw.code.value} {found.flaw.message}") + "\n"
        for file, found in _all(report)
    )


def to_json(report: LintReport) -> str:
    """Write the document `caponier.lint/1`."""
    document = {
        "schema": "caponier.lint/1",
        "versions": list(report.versions),
        "files": [{"path": file.path, "format": file.format, "ids": file.ids} for file in report.files],
        "found": [dict(zip(_COLUMNS, _cells(file, found), strict=True)) for file, found in _all(report)],
        "skipped": [skip.to_dict() for skip in report.skipped],
        "notes": list(report.remarks),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_csv(report: LintReport) -> str:
    """Write a row for each thing found."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for file, found in _all(report):
        writer.writerow(spreadsheet(plain(str(cell))) for cell in _cells(file, found))
    return text.getvalue()


def to_markdown(report: LintReport) -> str:
    """Write a table with a row for each thing found."""
    rows = [f"| {' | '.join(markdown(str(cell)) for cell in _cells(file, found))} |" for file, found in _all(report)]
    return "\n".join([f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}", *rows]) + "\n"


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
        "results": [_result(file, found) for file, found in _all(report)],
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


def _all(report: LintReport) -> Iterator[tuple[LintedFile, PlacedFlaw]]:
    return ((file, found) for file in report.files for found in file.flaws)


def _cells(file: LintedFile, found: PlacedFlaw) -> tuple[str | int, ...]:
    flaw = found.flaw
    return file.path, found.line, found.column, flaw.code.value, flaw.id, flaw.where, flaw.message
