"""Attacks beside many harmless requests: nobody hides a search behind probes and metadata."""

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import orjson
import pytest

from app.guard.guarded import site, workspace_in
from app.guard.test_run import principal
from caponier.app.guard.run import Guard
from caponier.app.incidents.findings import list_findings
from caponier.app.workspace.workspace import load_workspace
from caponier.detect.calibration.baseline import Baseline
from caponier.emulate.attacker.black_box import classifier, evasion, seeded
from caponier.emulate.caller.oracle import BudgetSpentError, Oracle, Predict, RefusedError
from caponier.emulate.evasion.boundary import Boundary
from caponier.emulate.evasion.hop_skip_jump import HopSkipJump
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.guard.call import Call
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.settings import GuardSettings
from caponier.records.inventory import Workspace
from conftest import World
from pace import HANG, wait_for

PROBES = 10
"""Probe and metadata requests for each query: 300 a second beside an attacker of thirty."""
MOST = 400
"""Queries of an attack that nobody blocks."""
TOLERANCE = 2
OTHER = """
[[model]]
name = "other"
features = {{ kind = "image", shape = [8, 8], minimum = 0.0, maximum = 1.0 }}
baseline = "{baseline}"
"""

Attack = Callable[[Predict, Images, int], object]


def zoo(predict: Predict, original: Images, label: int) -> None:
    """Run ZOO (Chen et al. 2017), which follows the score along one feature after the other."""
    oracle = Oracle(predict, original, label, MOST)
    oracle(original[None])
    attack = evasion().ZooAttack(
        classifier(oracle), max_iter=20, learning_rate=0.1, variable_h=0.2, nb_parallel=8, use_resize=False,
        use_importance=False, batch_size=1, verbose=False,
    )  # fmt: skip
    with seeded(0):
        attack.generate(original[None], np.eye(oracle.classes, dtype=np.float32)[[label]])


ATTACKS: dict[str, Attack] = {
    "hop_skip_jump": lambda *about: HopSkipJump().run(*about, seed=0, budget=MOST),
    "boundary": lambda *about: Boundary().run(*about, seed=0, budget=MOST),
    "zoo": zoo,
}


class Prober:
    """Asks for readiness and metadata of two models in turns, under some keys and under none, many requests at once."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=HANG)
        self._left = b""
        paths = ("/v2/models/other/ready", "/v2/models/other", "/v2/models/digits/ready", "/v2/health/ready")
        keys = ("", *(f"Authorization: Bearer probe-{i}\r\n" for i in range(4)))
        self._asked = cycle(f"GET {path} HTTP/1.1\r\nHost: x\r\n{key}\r\n" for path in paths for key in keys)

    def ask(self, n: int) -> None:
        self._connection.sendall("".join(islice(self._asked, n)).encode())
        for _ in range(n):
            head = self._until(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 "), head
            size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            while len(self._left) < size:
                self._left += self._connection.recv(65_536)
            self._left = self._left[size:]

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._left:
            part = self._connection.recv(65_536)
            assert part, "the connection was closed"
            self._left += part
        head, _, self._left = self._left.partition(mark)
        return head

    def close(self) -> None:
        self._connection.close()


@dataclass
class Looked:
    """Counts the exchanges that the guard has looked at, so that no query is sent before that."""

    guard: Guard
    done: int = 0

    def __post_init__(self) -> None:
        look = self.guard.work._look

        def counted(taken: Sequence[Exchange]) -> None:
            try:
                look(taken)
            finally:
                self.done += len(taken)

        self.guard.work._look = counted  # type: ignore[method-assign]


def with_other_model(folder: Path, world: World) -> Workspace:
    """Make a workspace with two models that have a baseline, of which the server knows one."""
    (section,) = world.baseline.baseline.models
    both = folder.with_suffix(".safetensors")
    both.write_bytes(Baseline((section, replace(section, model="other"))).to_bytes())
    workspace = workspace_in(folder, replace(world, baseline_file=both))
    with workspace.file.open("a") as file:
        file.write(OTHER.format(baseline=both))
    made = load_workspace(folder)
    assert made is not None
    return made


def blocked_after(workspace: Workspace, victim: Victim, attack: Attack, prey: tuple[Images, int], probes: int) -> int:
    """Attack beside probes until the guard blocks; return how many queries were answered."""
    with site(workspace, victim, mode="enforce") as one, one.client("eve") as model:
        prober, looked = Prober(one.url), Looked(one.guard)
        sent = 0

        def ask(rows: Images) -> Images:
            nonlocal sent
            prober.ask(probes // 2)
            sent += 1 + probes
            try:
                return model.predict_proba(rows, batch=1)
            finally:
                prober.ask(probes - probes // 2)
                # Of what many ask together, too: that is looked at by the clock, and would come earlier beside probes.
                wait_for(lambda: looked.done >= sent and not one.guard.live.waiting)

        with suppress(RefusedError, BudgetSpentError):
            attack(ask, *prey)
        prober.close()
        assert not one.guard.metrics.total("failures")
        assert not one.guard.metrics.total("lost_events")
        return model.queries


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_beside_probes_is_blocked_as_early_as_alone(
    name: str, world: World, digits: tuple[DigitsSplit, Victim], tmp_path: Path
) -> None:
    pool = digits[1].understood(digits[0].attackers)
    prey = (pool.images[0], int(pool.labels[0]))
    asked: dict[int, int] = {}
    found: dict[int, int] = {}
    for probes in (0, PROBES):
        workspace = with_other_model(tmp_path / f"beside-{probes}", world)
        asked[probes] = blocked_after(workspace, digits[1], ATTACKS[name], prey, probes)
        of_eve = [one for one in list_findings(workspace) if one.subject.id == principal(workspace, "eve")]
        found[probes] = min(one.unique_queries for one in of_eve)
    assert asked[0] < MOST, "it is blocked"
    assert abs(asked[PROBES] - asked[0]) <= TOLERANCE
    assert found[PROBES] == found[0]


DECOYS = (
    {"instances": [[0.9] * 64], "inputs": [{"name": "x", "shape": [1, 64], "datatype": "FP32", "data": [0.1] * 64}]},
    {"inputs": [{"name": name, "shape": [1, 64], "datatype": "FP32", "data": [0.1] * 64} for name in "xy"]},
)


@pytest.mark.slow
@pytest.mark.parametrize("body", DECOYS, ids=["both protocols", "a tensor more"])
def test_a_flood_of_decoys_is_a_flood(body: dict[str, Any], world: World, tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path / "ws", world)
    guard = Guard(workspace, GuardSettings(upstream="http://127.0.0.1:9"))
    caller = Caller(principal(workspace, "eve"), None, "10.0.0.1")
    call, raw = Call("predict", "digits"), orjson.dumps(body)
    for _ in range(1_500):
        guard.work.record(Exchange(call, caller, None, datetime.now(UTC), {}, body=raw, status=200))
    guard.start()
    guard.close()
    assert guard.metrics.total("unreadable") == 1_500
    assert {(found.detector, found.subject.id) for found in list_findings(workspace)} == {("flood", caller.principal)}
