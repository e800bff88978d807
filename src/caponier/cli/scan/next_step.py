"""What to do after a scan: the command that shows the first finding, or how findings are kept at all."""

from collections.abc import Sequence

from rich.console import Console

from caponier.cli.findings.by_caller import by_caller
from caponier.cli.terminal.log_report import say
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace


def say_next(console: Console, found: Sequence[Finding], home: Workspace | None) -> None:
    """Name the next command, if anything was found.

    Args:
        console: Where to.
        found: In the order in which they are to be read.
        home: The workspace that keeps them.
    """
    if not found:
        return
    if home is None:
        say(console, "These findings are not kept: there is no workspace. Make one with: caponier init")
    else:
        say(console, f"next: caponier findings show {by_caller(found)[0].first.finding_id}")
