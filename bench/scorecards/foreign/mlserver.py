"""A guard before a real MLServer: what passes is read by both alike.

MLServer runs in an environment of its own, with a model that answers with the rows that it was given. Each request
comes from a caller of its own, so that its event is found again.
"""

import http.client
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard
from bench.machinery.tools import tool
from bench.machinery.two_readers import Maker, TwoReaders
from caponier.app.guard.run import Guard, guarding
from caponier.app.workspace.workspace import create_workspace, read_salt, require_workspace
from caponier.guard.settings import GuardSettings
from caponier.records.inventory import Workspace
from caponier.telemetry.principals import principal_of

MODEL: Final = """
[[model]]
name = "m"
features = {kind = "numeric", shape = [4], minimum = 0.0, maximum = 1.0}
"""
ECHO: Final = """
import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, NumpyRequestCodec
from mlserver.types import InferenceResponse


class Echo(MLModel):
    async def predict(self, payload):
        rows = np.asarray(self.decode_request(payload, default_codec=NumpyRequestCodec), np.float64)
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("rows", rows)])
"""
_LARGEST: Final = float(np.finfo(np.float32).max)
START_S: Final = 90.0
SEED: Final = 0


def run(quick: bool) -> Scorecard:
    """Ask a guard that enforces and one that observes."""
    requests = 2_000 if quick else 10_000
    figures: dict[str, Any] = {"requests": requests}
    with tempfile.TemporaryDirectory() as folder, _mlserver(Path(folder)) as url:
        for mode in ("enforce", "observe"):
            say(f"{requests:,} requests through a guard, mode {mode}")
            counted = _compared(Path(folder) / mode, url, mode, requests)
            figures |= {f"{mode}_{name}": n for name, n in counted.items()}
    goals = (
        Goal("enforce_read_otherwise", 0, at_least=False),
        Goal("enforce_unread", 0, at_least=False),
        Goal("enforce_read_alike", requests // 10, at_least=True),
        Goal("observe_read_otherwise", 0, at_least=False),
    )
    about = (
        f"caponier guard before MLServer {tool('mlserver').version}, whose model answers with the rows that it was "
        f"given: {requests:,} requests with one to three tricks each, from a list that knows what both read, in each "
        "mode. Of those that were answered: whether the event in the log holds the rows that the model got, others, or "
        "none."
    )
    return Scorecard("mlserver", about, figures, goals, (SEED,))


@contextmanager
def _mlserver(folder: Path) -> Iterator[str]:
    home = folder / "models"
    home.mkdir()
    ports = [_free_port() for _ in range(3)]
    names = ("http_port", "grpc_port", "metrics_port")
    settings = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False} | dict(zip(names, ports, strict=True))
    (home / "echo.py").write_text(ECHO)
    (home / "settings.json").write_text(json.dumps(settings))
    (home / "model-settings.json").write_text(json.dumps({"name": "m", "implementation": "echo.Echo"}))
    command = [str(tool("mlserver").program()), "start", "."]
    with subprocess.Popen(command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await(ports[0])
            yield f"http://127.0.0.1:{ports[0]}"
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await(port: int) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            if _answered(port, TwoReaders([], method="GET", path="/v2/models/m/ready"), "start")[0] == 200:
                return
        except OSError:
            pass
        if time.monotonic() > until:
            raise TimeoutError("MLServer did not start")
        time.sleep(0.5)


def _answered(port: int, asked: TwoReaders, key: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(asked.method, asked.path, asked.raw, asked.headers | {"X-API-Key": key})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _compared(folder: Path, url: str, mode: str, requests: int) -> dict[str, int]:
    """Return how many requests were answered, and whether both read them alike."""
    create_workspace(folder)
    with (folder / "caponier.toml").open("a") as file:
        file.write(MODEL)
    workspace, maker = require_workspace(folder), Maker(SEED)
    guard = Guard(workspace, GuardSettings(upstream=url, port=0, mode=mode))
    answers = {}
    with guarding(guard) as standing:
        port = int(standing.url.rpartition(":")[2])
        for n in range(requests):
            answers[f"key-{n}"] = _answered(port, maker.request(), f"key-{n}")
    events = _events(workspace)
    counted = {"answered": 0, "read_alike": 0, "read_otherwise": 0, "unread": 0}
    for key, (status, said) in answers.items():
        rows = _rows(said) if status == 200 else None
        if rows is not None:
            counted["answered"] += 1
            counted[_alike(rows, events.get(principal_of(key, read_salt(workspace)) or "", []))] += 1
    shutil.rmtree(folder)
    return counted


def _events(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for file in Path(workspace.lake).rglob("*.jsonl"):
        for line in file.read_bytes().splitlines():
            event = orjson.loads(line)
            found.setdefault(event["principal"], []).append(event)
    return found


def _rows(said: bytes) -> Any:
    """Return the values that the model got; None where it was no model that answered."""
    try:
        values = orjson.loads(said.removeprefix(b"data: "))["outputs"][0]["data"]
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError):
        return None
    found = np.array([np.nan if value is None else value for value in values], np.float64)
    # As an event holds them: what is beyond a float is the nearest that is one.
    return np.clip(found, -_LARGEST, _LARGEST).astype(np.float32)


def _alike(rows: Any, events: list[dict[str, Any]]) -> str:
    if not events or any("input" not in event for event in events):
        return "unread"
    read = np.array([np.nan if one is None else one for event in events for one in event["input"]], np.float32)
    same = read.shape == rows.shape and np.allclose(read, rows, rtol=1e-6, equal_nan=True)
    return "read_alike" if same else "read_otherwise"
