"""The folder that a demo leaves behind: a workspace with logs, a baseline and a report.

A demo may be run again over its own folder, and over no other. It deletes by name what a demo writes, so whatever else
lies there stays.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from caponier.app.workspace import FILE_NAME, create_workspace, load_workspace
from caponier.app.write_file import write_bytes
from caponier.emulate.event_log import Deployment
from caponier.emulate.images import SIDE
from caponier.errors import CaponierError, InputError
from caponier.records.inventory import Workspace

SCHEMA: Final = "caponier.demo-folder/1"
_MARKER: Final = ".caponier/demo.json"
_STORE: Final = ".caponier/store.db"
_BASELINE: Final = "digits-mlp.safetensors"
_BENIGN: Final = "logs/benign.jsonl"
_TRAFFIC: Final = "logs/traffic.jsonl"
_REPORT: Final = "report.html"
_RESULT: Final = "result.json"
# The salt is not among them: it may have been used for more since, and a new demo does as well with it.
_WRITTEN: Final = (
    _REPORT,
    _RESULT,
    _BENIGN,
    _TRAFFIC,
    _BASELINE,
    _STORE,
    f"{_STORE}-wal",
    f"{_STORE}-shm",
    FILE_NAME,
)

_BUDGET: Final = 'alert_budget = "2 per week"'
_OWN_BUDGET: Final = 'alert_budget = "14 per week"'
"""Two a day: with 306 benign users a day and two detectors that is what ranks alone can promise, nothing estimated."""
_INVENTORY: Final = """
# What `caponier demo` serves and attacks.

[[system]]
name = "{system}"
purpose = "reads the digits of postal codes"
criticality = "high"
owner = "Mail room"
models = ["{model}"]

[[model]]
name = "{model}"
system = "{system}"
features = {{ kind = "image", shape = [{side}, {side}], minimum = 0.0, maximum = 1.0 }}
baseline = "{baseline}"
"""


@dataclass(frozen=True)
class DemoFolder:
    """Where everything of a demo is."""

    root: Path
    workspace: Workspace

    @property
    def benign_log(self) -> Path:
        """Events of the benign users that the baseline is built from."""
        return self.root / _BENIGN

    @property
    def traffic_log(self) -> Path:
        """Events of other benign users and the attackers, mixed."""
        return self.root / _TRAFFIC

    @property
    def baseline(self) -> Path:
        """The baseline file."""
        return self.root / _BASELINE

    @property
    def report(self) -> Path:
        """The page to look at."""
        return self.root / _REPORT

    @property
    def result(self) -> Path:
        """The figures as JSON."""
        return self.root / _RESULT


def prepare(out: Path, deployment: Deployment) -> DemoFolder:
    """Make a workspace for a demo, in place of what an earlier demo wrote there.

    Args:
        out: A new or empty folder, or one that a demo made.
        deployment: What the demo serves, for the inventory.

    Raises:
        InputError: If something else is there; nothing was changed.
    """
    root = out.absolute()
    _check(root)
    for name in _WRITTEN:
        (root / name).unlink(missing_ok=True)
    marker = root / _MARKER
    marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _mark(marker, None)
    file = create_workspace(root)
    write_bytes(file, _workspace_file(file.read_text("utf-8"), deployment).encode())
    _mark(marker, file)
    return DemoFolder(root, _own_store(file))


def _workspace_file(template: str, deployment: Deployment) -> str:
    inventory = _INVENTORY.format(system=deployment.system, model=deployment.model, side=SIDE, baseline=_BASELINE)
    return template.replace(_BUDGET, _OWN_BUDGET) + inventory


def _own_store(file: Path) -> Workspace:
    """Read the workspace, but never with the store that the environment names: a demo's findings are made up."""
    workspace = load_workspace(file)
    if workspace is None:
        raise CaponierError("the workspace that was just written is not there", where=str(file))
    return workspace.model_copy(update={"store": f"sqlite:///{file.parent / _STORE}"})


def _check(root: Path) -> None:
    mend = "Name a new folder with --out, or one that a demo made."
    try:
        taken = root.is_dir() and any(root.iterdir())
        if (root.exists() or root.is_symlink()) and not root.is_dir():
            raise InputError("this is not a folder", where=str(root), mend=mend)
        if not taken:
            root.mkdir(parents=True, exist_ok=True)
            return
        marker = _read_marker(root / _MARKER)
    except OSError as failed:
        raise InputError(f"the folder cannot be used: {failed.strerror}", where=str(root), mend=mend) from failed
    if marker is None:
        raise InputError("there is something else in this folder than a demo", where=str(root), mend=mend)
    if marker.get("workspace") not in (None, _digest(root / FILE_NAME)):
        raise InputError("the workspace file was changed since a demo wrote it", where=str(root / FILE_NAME), mend=mend)


def _read_marker(file: Path) -> dict[str, str | None] | None:
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text("utf-8"))
    except ValueError:
        return None
    return content if isinstance(content, dict) and content.get("schema") == SCHEMA else None


def _mark(marker: Path, workspace: Path | None) -> None:
    """Say that a demo made this folder; an interrupted one has not written its workspace file yet."""
    digest = None if workspace is None else _digest(workspace)
    write_bytes(marker, json.dumps({"schema": SCHEMA, "workspace": digest}).encode())


def _digest(file: Path) -> str | None:
    """Return the digest of a file, or None if it is not there, which is no change worth keeping."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
