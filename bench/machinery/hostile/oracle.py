"""Asks the loaders themselves what a file does, in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_LOADER = Path(__file__).with_name("loader.py")


class Case(NamedTuple):
    """A file, the loader that it is meant for, and what is there afterwards if it ran code or wrote outside."""

    path: Path
    loader: str
    canary: Path


def fired(cases: Mapping[str, Case], folder: Path, seconds: float = 600) -> dict[str, bool]:
    """Load every file with its loader, and say which ones made their canary.

    Args:
        cases: By name.
        folder: Where the process works.
        seconds: How long all of it may take.
    """
    asked = [{"path": str(case.path), "loader": case.loader, "canary": str(case.canary)} for case in cases.values()]
    run = subprocess.run(
        [sys.executable, _LOADER], input=json.dumps(asked), capture_output=True, text=True, cwd=folder, timeout=seconds
    )
    if run.returncode:
        raise RuntimeError(f"the loaders broke down: {run.stderr[-500:]}")
    return dict(zip(cases, json.loads(run.stdout), strict=True))
