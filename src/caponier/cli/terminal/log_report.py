"""What a command on logs says of the rows that it could not use."""

from rich.console import Console

from caponier.cli.terminal.safe_text import plain
from caponier.telemetry.rejections import RejectedRows

FEW = 5


def say(console: Console, text: str) -> None:
    """Print a line of text; names in it were written by whoever made the log, so a terminal gets only what is shown."""
    console.print(plain(text), markup=False, soft_wrap=True)


def print_rejected(console: Console, rejected: RejectedRows) -> None:
    """Print how many rows were rejected, for which reasons, the first few, and where all of them are."""
    if not rejected.count:
        return
    reasons = ", ".join(f"{reason} ({count:,})" for reason, count in rejected.reasons.most_common(FEW))
    say(console, f"{rejected.count:,} rows could not be used: {reasons}")
    for rejection in rejected.first[:FEW]:
        say(console, f"  {rejection.file}:{rejection.line}: {rejection.reason}")
    if rejected.path:
        say(console, f"  all of them: {rejected.path}")
