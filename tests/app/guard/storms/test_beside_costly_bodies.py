"""Whoever sends what is costly to read keeps no other caller waiting."""

import time
from pathlib import Path
from threading import Thread

import numpy as np
import orjson

from app.guard.guarded import site, workspace_in
from app.guard.test_run import INFER
from caponier.emulate.victims.digits import DigitsSplit, Victim
from conftest import World
from guard.loopback import ask
from pace import HANG, Stopwatch

KEY = ("content-type", "application/json")


def test_a_table_of_gaps_is_refused_at_once(world: World, digits: tuple[DigitsSplit, Victim], tmp_path: Path) -> None:
    row = {"name": "x", "shape": [1, 64], "datatype": "FP32", "data": np.zeros(64).tolist()}
    costly = orjson.dumps({"instances": [{f"c{n}": 1} for n in range(5_000)]})
    assert len(costly) < 2**16, "so that the server itself reads it"
    statuses: list[int] = []

    def send_costly() -> None:
        statuses.append(ask(one.url, INFER, costly, headers=[KEY, ("authorization", "Bearer eve")]).status)

    with site(workspace_in(tmp_path / "ws", world), digits[1], mode="enforce") as one:
        sender = Thread(target=send_costly)
        sender.start()
        time.sleep(0.05)
        with Stopwatch() as watch:
            reply = ask(one.url, INFER, orjson.dumps({"inputs": [row]}), headers=[KEY, ("authorization", "Bearer ada")])
        sender.join(HANG)
    assert reply.status == 200
    assert watch.seconds < 2, "it was half a minute"
    assert statuses == [400]
