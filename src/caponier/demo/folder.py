"""The folder that a demo leaves behind: a workspace with logs, data, models, a baseline and a report.

A demo may be run again over its own folder, and over no other. It deletes by name what a demo writes, so whatever else
lies there stays.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from caponier.app.workspace.workspace import FILE_NAME, create_workspace, load_workspace
from caponier.demo.keys import SALT
from caponier.demo.models import BAD, GOOD, HARMLESS, UNSAFE, file_of
from caponier.demo.theft import ACCOUNT, FROM, STORY
from caponier.emulate.event_log import Deployment
from caponier.emulate.images import SIDE
from caponier.emulate.registry import stories
from caponier.errors import CaponierError, InputError
from caponier.formats.atomic_file import write_bytes
from caponier.records.inventory import Workspace
from caponier.remediate.model_registry import FILE_NAME as REGISTRY

SCHEMA: Final = "caponier.demo-folder/1"
_MARKER: Final = ".caponier/demo.json"
_STORE: Final = ".caponier/store.db"
_BASELINE: Final = "digits-mlp.safetensors"
_BENIGN: Final = "logs/benign.jsonl"
_TRAFFIC: Final = "logs/traffic.jsonl"
_GUARDED: Final = "logs/guard.jsonl"
_SECURITY: Final = "logs/security.jsonl"
_USUAL: Final = "logs/security-usual.jsonl"
_BATCH: Final = "data/batch.npz"
_BATCH_BEFORE: Final = "data/batch-before.npz"
_BATCH_REPAIRED: Final = "data/batch-repaired.npz"
_BATCH_ASIDE: Final = "data/batch-quarantine.npz"
_TEST: Final = "data/test.npz"
_MODELS: Final = "models"
_QUARANTINE: Final = "quarantine"
_DEMO_SALT: Final = ".caponier/demo-salt"
_CANARY: Final = ".caponier/canary"
_REPORT: Final = "report.html"
_RESULT: Final = "result.json"
# The salt is not among them: it may have been used for more since, and a new demo does as well with it.
_WRITTEN: Final = (
    _REPORT,
    _RESULT,
    _BENIGN,
    _TRAFFIC,
    _GUARDED,
    _SECURITY,
    _USUAL,
    _BATCH,
    _BATCH_BEFORE,
    _BATCH_REPAIRED,
    _BATCH_ASIDE,
    _TEST,
    *(f"{_MODELS}/{name}" for name in (REGISTRY, *HARMLESS, UNSAFE)),
    *(f"{_MODELS}/{file_of('digits-mlp', version)}" for version in (GOOD, BAD)),
    f"{_QUARANTINE}/{UNSAFE}",
    _DEMO_SALT,
    _CANARY,
    _BASELINE,
    _STORE,
    f"{_STORE}-wal",
    f"{_STORE}-shm",
    FILE_NAME,
)

_DISABLED: Final = '# disabled = ["iterative_query"]'
_OWN_DISABLED: Final = """disabled = [
    "caller_profile", "distributed_query", "flood", "growing_doubt", "information_spend", "input_search",
    "membership_probe", "schema_probe", "score_climb",
]
# The demo squeezes a day into seconds: everybody asks as fast as this computer can, so rates say nothing in it.
# membership_probe needs a sketch of the training set (baseline build --training-set), which the demo does not make.
# The others learn from more benign users than a demo has time for."""
_SALT_LINE: Final = re.compile(r"^salt_file = .*$", re.MULTILINE)
_OWN_SALT: Final = f'salt_file = "{_DEMO_SALT}"  # public: the keys of a demo are made up'
_INVENTORY: Final = """
# What `caponier demo` serves and attacks.

[[system]]
name = "{system}"
purpose = "reads the digits of postal codes"
criticality = "high"
owner = "Mail room"
models = ["{model}"]
hosts = {hosts}
accounts = {accounts}
buckets = {buckets}
endpoints = {endpoints}
datasets = ["{batch}"]

[[model]]
name = "{model}"
system = "{system}"
features = {{ kind = "image", shape = [{side}, {side}], minimum = 0.0, maximum = 1.0 }}
baseline = "{baseline}"
"""
_STOLEN: Final = """
[[identity]]
account = "{account}"
addresses = ["{address}"]
"""
_KEY: Final = """
[[identity]]
key_hash = "{key_hash}"
addresses = ["{address}"]
"""
"""A key is known by where it is used from: those of one account would be one caller, and one attack be told for all."""


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
    def guard_log(self) -> Path:
        """What the guard saw while it refused."""
        return self.root / _GUARDED

    @property
    def security_log(self) -> Path:
        """Ordinary security logs of three days."""
        return self.root / _SECURITY

    @property
    def usual_log(self) -> Path:
        """The same organisation's logs without the attack."""
        return self.root / _USUAL

    @property
    def batch(self) -> Path:
        """Training rows, some of them with flipped labels."""
        return self.root / _BATCH

    @property
    def batch_before(self) -> Path:
        """The same rows before that."""
        return self.root / _BATCH_BEFORE

    @property
    def batch_repaired(self) -> Path:
        """The same rows after the repair."""
        return self.root / _BATCH_REPAIRED

    @property
    def batch_aside(self) -> Path:
        """The rows that the repair changed."""
        return self.root / _BATCH_ASIDE

    @property
    def test_set(self) -> Path:
        """Images that repairs are measured on."""
        return self.root / _TEST

    @property
    def models(self) -> Path:
        """The model folder, with a registry."""
        return self.root / _MODELS

    @property
    def quarantine(self) -> Path:
        """Where the unsafe model file goes."""
        return self.root / _QUARANTINE

    @property
    def canary(self) -> Path:
        """A file that is made if anybody loads the unsafe model file."""
        return self.root / _CANARY

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


def prepare(out: Path, deployment: Deployment, principals: Sequence[str] = ()) -> DemoFolder:
    """Make a workspace for a demo, in place of what an earlier demo wrote there.

    Args:
        out: A new or empty folder, or one that a demo made.
        deployment: What the demo serves, for the inventory.
        principals: Whom the logs name for the keys of the account that will be stolen.

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
    write_bytes(file, _workspace_file(file.read_text("utf-8"), deployment, principals).encode())
    salt = root / _DEMO_SALT
    write_bytes(salt, SALT.hex().encode())
    salt.chmod(0o600)
    for made in (_MODELS, _QUARANTINE, Path(_BATCH).parent, Path(_TRAFFIC).parent):
        (root / made).mkdir(exist_ok=True)
    _mark(marker, file)
    return DemoFolder(root, _own_store(file))


def _workspace_file(template: str, deployment: Deployment, principals: Sequence[str]) -> str:
    system = stories.one(STORY).system
    inventory = _INVENTORY.format(
        system=deployment.system,
        model=deployment.model,
        side=SIDE,
        baseline=_BASELINE,
        batch=Path(_BATCH).name,
        **{kind: json.dumps(list(getattr(system, kind))) for kind in ("hosts", "accounts", "buckets", "endpoints")},
    )
    people = [_STOLEN.format(account=ACCOUNT, address=FROM)]
    people += [_KEY.format(key_hash=name, address=FROM) for name in principals]
    settings = template.replace(_DISABLED, _OWN_DISABLED)
    return _SALT_LINE.sub(_OWN_SALT, settings) + inventory + "".join(people)


def _own_store(file: Path) -> Workspace:
    """Read the workspace, but never with the store that the environment names: a demo's findings are made up."""
    workspace = load_workspace(file)
    if workspace is None:
        raise CaponierError("the workspace that was just written is not there", where=str(file))
    return workspace.model_copy(update={"store": f"sqlite:///{file.parent / _STORE}"})


def _check(root: Path) -> None:
    hint = "Name a new folder with --out, or one that a demo made."
    try:
        taken = root.is_dir() and any(root.iterdir())
        if (root.exists() or root.is_symlink()) and not root.is_dir():
            raise InputError("this is not a folder", where=str(root), hint=hint)
        if not taken:
            root.mkdir(parents=True, exist_ok=True)
            return
        marker = _read_marker(root / _MARKER)
    except OSError as failed:
        raise InputError(f"the folder cannot be used: {failed.strerror}", where=str(root), hint=hint) from failed
    if marker is None:
        raise InputError("there is something else in this folder than a demo", where=str(root), hint=hint)
    if marker.get("workspace") not in (None, _digest(root / FILE_NAME)):
        raise InputError("the workspace file was changed since a demo wrote it", where=str(root / FILE_NAME), hint=hint)


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
