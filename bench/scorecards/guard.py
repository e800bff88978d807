"""What the guard adds to a request, and how many it can take.

A model server that answers at once stands behind it, so that nothing but the guard is measured. Direct requests, those
through a bare proxy of the same stack and guarded ones take turns, so that whatever else the machine does hits all. The
guard enforces, with a hundred actions in force and as many callers as it remembers.
"""

import asyncio
import multiprocessing
import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from bench.machinery import traffic
from bench.machinery.measured import cpu_seconds, say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.guard.run import Guard, run_guard
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.emulate.images import shots
from caponier.guard.settings import GuardSettings
from caponier.guard.upstream import Upstream
from caponier.records.finding import SubjectRef
from caponier.records.inventory import FeatureSpec
from caponier.records.response_action import ActionKind, ActionState, ResponseAction

USERS = 200
RATE = 200
CONNECTIONS = 8
TURNS = 5
"""In which bare proxy and guard take as many requests as they can."""
ACTIONS = 100
CALLERS = 10_000
SPEC = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
TOML = '[[model]]\nname = "digits"\nbaseline = "digits.safetensors"\n'


def run(quick: bool) -> Scorecard:
    """Measure latency at a fixed rate, and then as many requests as there can be."""
    seconds, users, callers = (10, 100, CALLERS // 10) if quick else (60, 300, CALLERS)
    with tempfile.TemporaryDirectory() as folder:
        say("building a baseline")
        requests = _prepare(Path(folder), users)
        with (
            _process(_model_server) as (upstream, _),
            _process(_bare, upstream) as (bare, bare_pipe),
            _process(_guard, upstream, folder) as (guarded, pipe),
        ):
            _fill(guarded, requests, callers)
            figures = _latency(upstream, bare, guarded, requests, seconds)
            figures |= _throughput((bare, bare_pipe), (guarded, pipe), requests, seconds / 3)
            figures |= _told(pipe)
    goals = (
        Goal("added_p50_ms", 1.0, at_least=False),
        Goal("added_p99_ms", 3.0, at_least=False),
        Goal("requests_per_second", 1_500, at_least=True),
        Goal("lost_events", 0, at_least=False),
    )
    about = (
        f"caponier guard in enforce mode, with its spool, {ACTIONS} actions in force, a baseline of {users} users and "
        f"every detector at work, before a model server that answers at once: {RATE} requests a second in turns with "
        "as many through a bare proxy of the same stack (what is added is beyond that) and as many direct ones, then "
        f"{CONNECTIONS} connections without a pause, {TURNS} times by turns through the bare proxy and the guard: both "
        "get what the machine gives at that hour, so that the share of the bare proxy's rate and the processor time "
        f"beyond its own can be compared where the rate cannot; {callers:,} callers that it remembers, {USERS} more "
        "that ask, one image a request. The load comes from the same machine, and client_cores is what it takes of it."
    )
    return Scorecard("guard", about, figures, goals, (0,))


def _prepare(folder: Path, users: int) -> list[bytes]:
    """Make a workspace with a baseline, and return requests of many users."""
    split, victim = traffic.world(0)
    traffic.write_sorted([traffic.calibration(split, victim, 1, users)], folder / "benign.parquet")
    create_workspace(folder)
    report = build_baseline([folder / "benign.parquet"], workspace=load_workspace(folder), spec=SPEC)
    (folder / "digits.safetensors").write_bytes(report.baseline.to_bytes())
    with (folder / "caponier.toml").open("a") as file:
        file.write(TOML)
    rng = np.random.default_rng(0)
    images = shots(split.test.images[rng.integers(0, len(split.test.images), 2_000)], rng)
    return [_request(i % USERS, image) for i, image in enumerate(images)]


def _fill(guarded: str, requests: list[bytes], callers: int) -> None:
    say(f"{callers:,} callers that it has seen before")
    client = _Client(guarded)
    for caller in range(callers):
        client.ask(requests[caller % len(requests)].replace(b"Bearer user-", b"Bearer earlier-%d-" % caller))


def _request(user: int, image: Any) -> bytes:
    tensor = {"name": "x", "shape": [1, 64], "datatype": "FP32", "data": image.tolist()}
    body = orjson.dumps({"inputs": [tensor]})
    head = (
        f"POST /v2/models/digits/infer HTTP/1.1\r\nHost: model\r\nAuthorization: Bearer user-{user}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Client:
    """One connection that is kept."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> float:
        """Send a request and return the milliseconds until its answer was there."""
        begun = time.perf_counter()
        self._socket.sendall(request)
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._socket.recv(65_536)
        head, _, body = got.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._socket.recv(65_536)
        return (time.perf_counter() - begun) * 1_000

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def _latency(upstream: str, bare: str, guarded: str, requests: list[bytes], seconds: float) -> dict[str, Any]:
    say(f"{RATE} requests a second for {seconds:g} seconds")
    clients = [_Client(url) for url in (upstream, bare, guarded)]
    for request in requests[:200]:
        for client in clients:
            client.ask(request)
    times: tuple[list[float], list[float], list[float]] = ([], [], [])
    begun = time.perf_counter()
    for turn in range(int(seconds * RATE)):
        time.sleep(max(0.0, begun + turn / RATE - time.perf_counter()))
        request = requests[turn % len(requests)]
        for client, own in zip(clients, times, strict=True):
            own.append(client.ask(request))
    figures: dict[str, Any] = {}
    for share in (50, 99):
        direct, without, with_guard = (statistics.quantiles(one, n=100)[share - 1] for one in times)
        figures |= {
            f"direct_p{share}_ms": round(direct, 3),
            f"bare_p{share}_ms": round(without, 3),
            f"guarded_p{share}_ms": round(with_guard, 3),
            f"added_p{share}_ms": round(with_guard - without, 3),
        }
    figures["added_p99_ms_median_window"] = round(statistics.median(_windows(*times[1:])), 3)
    return figures


def _windows(bare: list[float], guarded: list[float]) -> Iterator[float]:
    """Yield what is added at p99 in each 1,000 requests: most of them are spared what else the machine does."""
    for at in range(0, len(bare), 1_000):
        without, with_guard = (statistics.quantiles(one[at : at + 1_000], n=100)[98] for one in (bare, guarded))
        yield with_guard - without


@dataclass
class _Burst:
    """As many requests as there can be, and what they took."""

    requests: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    client: float = 0.0
    """Processor time of those who ask."""

    def add(self, requests: int, seconds: float, cpu: float, client: float) -> None:
        """Count one more of them."""
        self.requests += requests
        self.seconds += seconds
        self.cpu += cpu
        self.client += client

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of processor time a request."""
        return self.cpu / self.requests * 1e6


def _throughput(
    bare: tuple[str, Connection], guarded: tuple[str, Connection], requests: list[bytes], seconds: float
) -> dict[str, Any]:
    say(f"as many as possible for {seconds:g} seconds, and for as many through the bare proxy")
    without, with_guard, behind = _Burst(), _Burst(), 0.0
    for _ in range(TURNS):
        _burst(without, *bare, requests, seconds / TURNS)
        behind = max(behind, _burst(with_guard, *guarded, requests, seconds / TURNS))
    client = without.client + with_guard.client
    return {
        "requests_per_second": round(with_guard.rate),
        "bare_requests_per_second": round(without.rate),
        "share_of_bare_rate": round(with_guard.rate / without.rate, 3),
        "requests_per_core_second": round(1e6 / with_guard.cost),
        "bare_requests_per_core_second": round(1e6 / without.cost),
        "cpu_us_per_request": round(with_guard.cost),
        "bare_cpu_us_per_request": round(without.cost),
        "cpu_times_bare": round(with_guard.cost / without.cost, 2),
        "guard_cores": round(with_guard.cpu / with_guard.seconds, 2),
        "client_cores": round(client / (without.seconds + with_guard.seconds), 2),
        "seconds_behind": round(behind, 2),
    }


def _burst(burst: _Burst, url: str, pipe: Connection, requests: list[bytes], seconds: float) -> float:
    """Ask without a pause, wait until all of it was looked at, and return how far behind that was."""
    done = [0] * CONNECTIONS
    before, client = _asked(pipe), cpu_seconds()
    begun = time.perf_counter()

    def ask(mine: int) -> None:
        with closing(_Client(url)) as connection:
            while time.perf_counter() < begun + seconds:
                connection.ask(requests[(done[mine] * CONNECTIONS + mine) % len(requests)])
                done[mine] += 1

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, client = time.perf_counter() - begun, cpu_seconds() - client
    behind: float = _asked(pipe)["behind"]
    # What a request costs after its answer belongs to it, and is not to slow down the bare proxy, whose turn is next.
    burst.add(sum(done), wall, _rested(pipe)["cpu"] - before["cpu"], client)
    return behind


def _rested(pipe: Connection) -> dict[str, Any]:
    """Wait until nothing waits any more; return what is told then."""
    deadline = time.perf_counter() + 30
    while (told := _asked(pipe))["waiting"] and time.perf_counter() < deadline:
        time.sleep(0.02)
    return told


def _told(pipe: Connection) -> dict[str, Any]:
    told = _rested(pipe)
    return {name: told[name] for name in ("events", "lost_events", "findings")}


def _asked(pipe: Connection) -> dict[str, Any]:
    pipe.send("how")
    told: dict[str, Any] = pipe.recv()
    return told


@contextmanager
def _process(target: Any, *arguments: str) -> Iterator[tuple[str, Connection]]:
    """Run something that tells its URL in a process of its own."""
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe()
    process = context.Process(target=target, args=(its, *arguments), daemon=True)
    process.start()
    try:
        yield mine.recv(), mine
    finally:
        process.terminate()
        process.join(10)


class _ModelServer(asyncio.Protocol):
    """Answers every request at once with the same scores."""

    BODY = orjson.dumps(
        {
            "model_name": "digits",
            "model_version": "1",
            "outputs": [
                {"name": "p", "datatype": "FP32", "shape": [1, 10], "data": [0.91] + [0.01] * 9},
                {"name": "label", "datatype": "INT64", "shape": [1], "data": [0]},
            ],
        }
    )
    ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY

    def connection_made(self, transport: Any) -> None:
        self._transport, self._got = transport, b""

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, there, body = self._got.partition(b"\r\n\r\n")
        # The guard asks without a body what it is.
        stated = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        if there and len(body) >= int(stated or b"0"):
            self._got = b""
            self._transport.write(self.ANSWER)


def _model_server(pipe: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_ModelServer, "127.0.0.1", 0)
        pipe.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await server.serve_forever()

    asyncio.run(serve())


def _bare(pipe: Connection, upstream: str) -> None:
    """Serve what the guard stands on, without the guard."""
    import uvicorn

    passed = Upstream(upstream, timeout=30, body_limit=2**26, on_failure=lambda failed: None)
    # As the guard's own: for others asyncio leaves Nagle's algorithm on, which takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        threading.Thread(target=_tell, args=(pipe, lambda: {"waiting": 0, "behind": 0.0}), daemon=True).start()
        pipe.send(f"http://127.0.0.1:{listener.getsockname()[1]}")
        config = uvicorn.Config(passed, access_log=False, http="h11", log_config=None, ws="none")
        uvicorn.Server(config).run([listener])


def _tell(pipe: Connection, how: Callable[[], dict[str, Any]]) -> None:
    """Say how a server is, and what it took so far, as often as it is asked."""
    while pipe.recv():
        pipe.send({"cpu": cpu_seconds(), **how()})


def _actions() -> list[ResponseAction]:
    """Return actions that are in force, against callers who are not there."""
    now = datetime.now(UTC)
    return [
        ResponseAction(
            f"a-{n}",
            "i-1",
            ActionKind.BLOCK,
            SubjectRef("principal", f"k-{n}"),
            system=None,
            model=None,
            reason="measured",
            author="bench",
            created=now,
            expires=now + timedelta(hours=1),
            needs_approval=False,
            state=ActionState.ACTIVE,
            undo="passes again",
        )
        for n in range(ACTIONS)
    ]


def _guard(pipe: Connection, upstream: str, folder: str) -> None:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    workspace = load_workspace(Path(folder))
    assert workspace is not None
    guard = Guard(workspace, GuardSettings(upstream=upstream, port=0, mode="enforce"))
    replace, ours = guard.decisions.replace, _actions()
    guard.decisions.replace = lambda actions: replace([*actions, *ours])  # type: ignore[method-assign]

    def how() -> dict[str, Any]:
        counts = {name: guard.metrics.total(name) for name in ("events", "lost_events", "findings")}
        return {"waiting": len(guard.work.backlog.queue), "behind": guard.work.lag_s, **counts}

    def listening(url: str) -> None:
        pipe.send(url)
        threading.Thread(target=_tell, args=(pipe, how), daemon=True).start()

    run_guard(guard, listening=listening)
