"""After a scan, the next command is named."""

from pathlib import Path

import pytest
from rich.console import Console

from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.cli.scan.next_step import say_next
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from respond.made import finding


def told(found: list[Finding], home: Workspace | None) -> str:
    console = Console(width=500)
    with console.capture() as said:
        say_next(console, found, home)
    return said.get()


@pytest.mark.parametrize("kept", [True, False])
def test_the_first_finding_is_shown_next_if_it_is_kept(tmp_path: Path, kept: bool) -> None:
    home = require_workspace(create_workspace(tmp_path / "w")) if kept else None
    one = finding(1)
    assert told([], home) == ""
    expected = f"next: caponier findings show {one.finding_id}\n"
    assert told([one], home) == (
        expected if kept else "These findings are not kept: there is no workspace. Make one with: caponier init\n"
    )
