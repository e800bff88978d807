"""What a command on logs says of the rows that it could not use."""

from rich.console import Console

from caponier.telemetry.rejections import RejectedRows

FEW = 5


def print_rejected(console: Console, rejected: RejectedRows) -> None:
    """Print how many rows were rejected, for which reasons, the first few, and where all of them are."""
    if not rejected.count:
        return
    reasons = ", ".join(f"{reason} ({count:,})" for reason, count in rejected.reasons.most_common(FEW))
    console.print(f"{rejected.count:,} rows could not be used: {reasons}", markup=False)
    for rejection in rejected.first[:FEW]:
        console.print(f"  {rejection.file}:{rejection.line}: {rejection.reason}", markup=False)
    if rejected.path:
        console.print(f"  all of them: {rejected.path}", markup=False)
