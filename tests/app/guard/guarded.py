"""A workspace with a baseline, a real model server, and a real guard before it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caponier.app.guard.run import Guard, guarding
from caponier.app.workspace.workspace import load_workspace
from caponier.emulate.victims.client import RemoteModel
from caponier.emulate.victims.digits import Victim
from caponier.emulate.victims.server import serve
from caponier.guard.settings import GuardSettings
from caponier.records.inventory import Workspace
from conftest import World

TOML = """\
[workspace]
store = "sqlite:///.caponier/store.db"

[detect]
alert_budget = "1/50"

[[system]]
name = "post"
criticality = "high"
models = ["digits"]

[[model]]
name = "digits"
features = {{ kind = "image", shape = [8, 8], minimum = 0.0, maximum = 1.0 }}
baseline = "{baseline}"
"""


def workspace_in(folder: Path, world: World) -> Workspace:
    """Make a workspace with the world's baseline, and the salt that it was made with."""
    shutil.copytree(world.workspace.root, folder)
    (folder / "caponier.toml").write_text(TOML.format(baseline=world.baseline_file))
    made = load_workspace(folder)
    assert made is not None
    return made


@dataclass
class Site:
    """A guard and the model behind it."""

    url: str
    direct: str
    guard: Guard
    told: list[str] = field(default_factory=list)
    answered: list[dict[str, Any]] = field(default_factory=list)
    """Events as the model server saw them."""

    def client(self, key: str | None, url: str | None = None) -> RemoteModel:
        return RemoteModel(url or self.url, key)


@contextmanager
def site(
    workspace: Workspace, victim: Victim, *, good: Callable[[str], bool] = lambda _: True, **settings: Any
) -> Iterator[Site]:
    """Serve a victim, whose callers need a good key, behind a guard."""
    answered: list[dict[str, Any]] = []
    told: list[str] = []

    def principal_of(key: str | None) -> str | None:
        return key if key and good(key) else None

    with serve(victim.predict_proba, record=answered.extend, principal_of=principal_of) as server:
        guard = Guard(workspace, GuardSettings(**{"upstream": server.url, "port": 0, **settings}), tell=told.append)
        with guarding(guard) as listening:
            yield Site(listening.url, server.url, guard, told, answered)
