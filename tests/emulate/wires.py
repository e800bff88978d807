"""Wires for tests: one that answers what it is told, and one to a model in this process."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from caponier.emulate.caller.wire import Reply
from caponier.emulate.event_log import Deployment, ServerLog
from caponier.emulate.images import Images
from caponier.emulate.new_client import NewClient
from caponier.emulate.simulation.trace import EPOCH
from caponier.emulate.simulation.visits import let_in, visitors
from caponier.emulate.victims.in_process import LocalWire


class Scripted:
    """Answers with whatever a function makes of a request, and remembers all of them."""

    def __init__(self, answer: Callable[[str, str, bytes | None], Reply]) -> None:
        self.answer = answer
        self.sent: list[tuple[str, str, bytes | None]] = []
        self.waited = 0.0

    def send(self, method: str, path: str, body: bytes | None = None) -> Reply:
        self.sent.append((method, path, body))
        return self.answer(method, path, body)

    def wait(self, seconds: float) -> None:
        self.waited += seconds


def predict(rows: Images) -> Images:
    """Answer with the tenth of the row in which most light is, and always some of all others."""
    shares = np.stack([part.sum(axis=1) + 0.1 for part in np.array_split(rows, 10, axis=1)], axis=1)
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def local(log: ServerLog, key: str = "alice", **more: Any) -> LocalWire:
    """Open a wire to a model in this process."""
    return LocalWire(predict, Deployment(), log.record, key, EPOCH, **more)


def visited(newcomer: NewClient, pool: Images, each: int = 1, requests: int = 120) -> list[list[dict[str, Any]]]:
    """Let callers of one kind in, and return the events of each in order."""
    callers = visitors({newcomer.name: newcomer}, each, 5)
    rows = let_in(callers, pool, predict, requests=requests).to_pylist()
    return [[row for row in rows if row["principal"] == caller.principal] for caller in callers]


def kinds(events: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return operation and status of each request; the rows of one have one time."""
    return list({one["time"]: (one["operation"], one["status"]) for one in events}.values())
