"""A guard that is killed under load: every event that was answered is in the lake, once."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import orjson
import pytest

from caponier.app.guard.log import cut_back
from caponier.app.workspace.workspace import create_workspace
from guard.loopback import ask, serving
from guard.upstreams import body_of, lifespan
from pace import HANG, wait_for

KILLS = int(os.environ.get("CAPONIER_KILLS", "3"))
CALLERS = 4
ROOT = Path(__file__).parents[3]


async def model(scope: Any, receive: Any, send: Any) -> None:
    """Answer each row with its own value, with its length stated or, for odd ones, in two pieces without."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    row = orjson.loads(await body_of(receive))["instances"][0]
    answer = orjson.dumps({"predictions": [row[:1]]})
    odd = int(row[0]) % 2
    length = [] if odd else [(b"content-length", str(len(answer)).encode())]
    head = [(b"content-type", b"application/json"), *length]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": answer[:9], "more_body": True})
    await send({"type": "http.response.body", "body": answer[9:]})


@contextmanager
def guard_process(folder: Path, upstream: str, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    told = folder / "told"
    command = [sys.executable, "-m", "caponier", "guard", "--upstream", upstream, "--port", "0", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "CAPONIER_WORKSPACE": str(folder)}
    told.write_text("")
    with told.open("w") as stream, subprocess.Popen(command, env=environment, stderr=stream) as process:
        try:
            first = wait_for(lambda: [line for line in told.read_text().splitlines() if line.startswith("guarding ")])
            yield process, first[0].split(" at ")[1]
        finally:
            process.kill()


class Load:
    """Callers who ask without a pause, and count what they were answered."""

    def __init__(self, url: str, first: int) -> None:
        self.answered: list[int] = []
        self._next, self._url, self._over = iter(range(first, 10**9)), url, False
        self._threads = [Thread(target=self._ask, daemon=True) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._over:
            number = next(self._next)
            body = orjson.dumps({"instances": [[float(number), 1.0]]})
            try:
                reply = ask(self._url, "/v1/models/m:predict", body, headers=[("x-api-key", f"k{number % 7}")])
            except (OSError, HTTPException):
                return
            if reply.status == 200 and orjson.loads(reply.body) == {"predictions": [[float(number)]]}:
                self.answered.append(number)

    def join(self) -> None:
        self._over = True
        for thread in self._threads:
            thread.join(HANG)


def recorded(folder: Path) -> Counter[int]:
    lines = [line for file in (folder / "lake").rglob("*.jsonl") for line in file.read_bytes().splitlines()]
    events = [orjson.loads(line) for line in lines]
    assert len({event["event_id"] for event in events}) == len(events)
    return Counter(int(event["input"][0]) for event in events)


@pytest.mark.slow
def test_every_answered_event_is_in_the_lake_once(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    answered: list[int] = []
    with serving(model) as upstream:
        for turn in range(KILLS):
            with guard_process(tmp_path, upstream) as (process, url):
                load = Load(url, 100_000 * turn)
                wait_for(lambda load=load: len(load.answered) > 100)  # type: ignore[misc]
                sleep(0.01 * (turn % 7))
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                load.join()
                answered += load.answered
        with guard_process(tmp_path, upstream) as (process, _):
            process.send_signal(signal.SIGTERM)
            assert process.wait(HANG) == 0
    found = recorded(tmp_path)
    assert len(answered) > 100 * KILLS
    wrong = {number: found[number] for number in answered if found[number] != 1}
    assert not wrong
    assert max(found.values()) == 1
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in (tmp_path / "lake").rglob("*.jsonl"))


def test_what_was_appended_and_not_noted_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"done\nhal")
    cut_back(str(file), 5)
    assert file.read_bytes() == b"done\n"
    for name, size in ((str(file), 99), ("", 0), (str(tmp_path / "gone"), 0)):
        cut_back(name, size)
    assert file.read_bytes() == b"done\n"
