"""Every document of findings names the matrix that the workspace has pinned, whichever command prints it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.inference.event_files import log, rows
from caponier.app.workspace.workspace import create_workspace
from cli.command import run

PINNED = '\n[matrix]\npinned = "atlas-5.6"\n'
LOGIN = {"time": "2026-01-05T09:00:00Z", "category": "authentication", "user": "ann", "host": "gpu-01"}


def dataset(folder: Path) -> list[object]:
    file = folder / "d.npz"
    np.savez(file, x=np.arange(120.0).reshape(40, 3), y=["a", "b"] * 20)
    return ["scan", "dataset", file]


def artifact(folder: Path) -> list[object]:
    (folder / "m.txt").write_text("notes")
    return ["scan", "artifact", folder / "m.txt"]


def logs(folder: Path) -> list[object]:
    (folder / "auth.jsonl").write_text(json.dumps(LOGIN) + "\n")
    return ["scan", "logs", folder / "auth.jsonl"]


COMMANDS: dict[str, Callable[[Path], list[object]]] = {
    "findings list": lambda folder: ["findings", "list"],
    "scan inference": lambda folder: ["scan", "inference", log(folder, rows(3))],
    "scan logs": logs,
    "scan dataset": dataset,
    "scan artifact": artifact,
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("pinned", [True, False])
def test_the_document_names_the_pinned_matrix(
    command: str, pinned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    file = create_workspace(tmp_path)
    file.write_text(file.read_text() + (PINNED if pinned else ""))
    ran = run(capsys, *COMMANDS[command](tmp_path), "--format", "json")
    assert json.loads(ran.out)["matrix"] == ("atlas-5.6" if pinned else "amltm-2020")
