"""Attacks beside many harmless requests: nobody hides a search behind probes and metadata."""

import logging
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import orjson
import pytest

from app.guarded import Site, site, wait_for, workspace_in
from app.test_run_guard import principal
from caponier.app.findings import list_findings
from caponier.app.run_guard import Guard
from caponier.emulate.attacks.boundary import Boundary
from caponier.emulate.attacks.hop_skip_jump import HopSkipJump
from caponier.emulate.black_box import classifier, evasion, seeded
from caponier.emulate.images import Images
from caponier.emulate.oracle import BudgetSpentError, Oracle, Predict, RefusedError
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.guard.call import Call
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.settings import GuardSettings
from conftest import World

RATE = 300
"""Probe and metadata requests a second."""
MOST = 400
"""Queries of an attack that nobody blocks."""
PACE_S = 0.03
"""Between two queries: time to be looked at, so that what is counted is what it took and not how fast a machine is."""
TOLERANCE = 2
FIGURES = "beside_probes"

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


@dataclass
class Sent:
    requests: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return self.requests / max(self.seconds, 1e-9)


def probe(pipe: Connection, url: str) -> None:
    """Ask for readiness and metadata in turns, under some keys and under none, until told to stop."""
    parts = urlsplit(url)
    paths = ("/v2/models/digits/ready", "/v2/models/digits", "/v2/health/ready")
    keys = ("", *(f"Authorization: Bearer probe-{i}\r\n" for i in range(4)))
    asked = [f"GET {path} HTTP/1.1\r\nHost: x\r\n{key}\r\n".encode() for path in paths for key in keys]
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        begun, n = time.perf_counter(), 0
        pipe.send("begun")
        while not pipe.poll():
            for request in asked:
                connection.sendall(request)
                read_answer(connection)
                n += 1
            time.sleep(max(0.0, begun + n / RATE - time.perf_counter()))
        pipe.send(Sent(n, time.perf_counter() - begun))


def read_answer(connection: socket.socket) -> None:
    """Read one answer, whatever it says."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += received(connection)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), head
    left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]) - len(body)
    while left > 0:
        left -= len(received(connection))


def received(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    assert part, "the connection was closed"
    return part


@contextmanager
def probing(url: str) -> Iterator[Sent]:
    """Have a process of its own send probes until the block is left."""
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe()
    process = context.Process(target=probe, args=(its, url), daemon=True)
    process.start()
    sent = Sent()
    try:
        assert mine.poll(60)
        mine.recv()
        yield sent
        mine.send("stop")
        assert mine.poll(30)
        told = mine.recv()
        sent.requests, sent.seconds = told.requests, told.seconds
    finally:
        process.terminate()
        process.join(10)


def blocked_after(one: Site, key: str, attack: Attack, prey: tuple[Images, int]) -> int:
    """Attack until the guard blocks; return how many queries were answered."""
    with one.client(key) as model:

        def ask(rows: Images) -> Images:
            time.sleep(PACE_S)
            return model.predict_proba(rows, batch=1)

        with suppress(RefusedError, BudgetSpentError):
            attack(ask, *prey)
        return model.queries


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_beside_probes_is_blocked_as_early_as_alone(
    name: str,
    world: World,
    digits: tuple[DigitsSplit, Victim],
    tmp_path: Path,
) -> None:
    pool = digits[1].understood(digits[0].attackers)
    prey = (pool.images[0], int(pool.labels[0]))
    counts: dict[str, int] = {}
    for how in ("alone", "beside"):
        workspace = workspace_in(tmp_path / how, world)
        with site(workspace, digits[1], mode="enforce") as one:
            if how == "alone":
                counts[how] = blocked_after(one, "eve", ATTACKS[name], prey)
            else:
                with probing(one.url) as sent:
                    counts[how] = blocked_after(one, "eve", ATTACKS[name], prey)
            wait_for(lambda one=one: not len(one.guard.work.queue))
            assert not one.guard.metrics.total("failures")
            assert not one.guard.metrics.total("lost_events")
        of_eve = [found for found in list_findings(workspace) if found.subject.id == principal(workspace, "eve")]
        counts[f"finding {how}"] = min(found.unique_queries for found in of_eve)
    logging.getLogger(FIGURES).warning("%s: %s, %d probes, %.0f a second", name, counts, sent.requests, sent.rate)
    assert counts["alone"] < MOST, "it is blocked"
    assert abs(counts["beside"] - counts["alone"]) <= TOLERANCE
    assert counts["finding beside"] == counts["finding alone"]
    assert sent.requests > 50


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
