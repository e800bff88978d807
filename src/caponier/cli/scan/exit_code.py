"""What decides the exit code of a scan: 0 nothing found, 1 something found, 3 nothing found but not all was seen."""

from collections.abc import Iterable
from typing import Final

import typer

from caponier.records.finding import Finding, Severity

FOUND: Final = 1
PARTLY: Final = 3


def leave(findings: Iterable[Finding], fail_on: Severity, *, partly: bool) -> None:
    """End a scan with its exit code.

    Args:
        findings: What was found.
        fail_on: The severity from which on a finding counts.
        partly: Whether something could not be read, judged or used.

    Raises:
        typer.Exit: If the code is not 0.
    """
    if any(finding.severity.rank >= fail_on.rank for finding in findings):
        raise typer.Exit(FOUND)
    if partly:
        raise typer.Exit(PARTLY)
