"""What a request costs the guard, in memory and time: run as a program, which forks for each request it is given."""

import os
import pickle
import resource
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from caponier.guard.call import Call
from caponier.guard.events import events_of, queries_of
from caponier.guard.exchange import Caller, Exchange
from caponier.telemetry.body_limits import BodyLimits
from caponier.telemetry.recorder import EventLog
from pace import HANG, Stopwatch

Headers = dict[bytes, bytes]


@dataclass(frozen=True)
class Sent:
    """A request, and what was answered to it."""

    body: bytes
    headers: Headers
    answer: bytes = b""
    answer_headers: Headers | None = None


@dataclass(frozen=True)
class Cost:
    megabytes: float
    """By which the process grew at its highest."""
    seconds: float
    """Of the processor."""
    events: int
    unread: str | None


def costs(sent: Mapping[str, Sent]) -> dict[str, Cost]:
    """Let the guard read each request in a process of its own, record it, and count what that took."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "sent"
        file.write_bytes(pickle.dumps(dict(sent)))
        done = subprocess.run(
            [sys.executable, "-c", "from guard.cost import main; main()", str(file)],
            capture_output=True, check=False, timeout=10 * HANG, env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip
        assert not done.returncode, done.stderr.decode()
        found: dict[str, Cost] = pickle.loads(done.stdout)
    return found


def _exchange(sent: Sent) -> Exchange:
    return Exchange(
        Call("predict", "m"), Caller("k-1", None, None), "u" * 200, datetime.now(UTC), sent.headers, body=sent.body,
        status=200, answer=sent.answer, answer_headers=list((sent.answer_headers or {}).items()),
    )  # fmt: skip


def _read(sent: Sent, log: Path) -> tuple[int, str | None]:
    exchange, limits = _exchange(sent), BodyLimits()
    queries_of(exchange, limits)
    rows = events_of(exchange, limits)
    with EventLog(log) as stream:
        stream.record([{name: value for name, value in row.items() if value is not None} for row in rows])
    return len(rows), rows[0].get("unread")


def _cost(sent: Sent, log: Path) -> Cost:
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Stopwatch() as watch:
        events, unread = _read(sent, log)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held
    return Cost(grown / 1_024, watch.seconds, events, unread)


def _in_a_fork(sent: Sent, log: Path) -> Cost:
    reading, writing = os.pipe()
    if not os.fork():
        os.write(writing, pickle.dumps(_cost(sent, log)))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    os.wait()
    found: Cost = pickle.loads(data)
    return found


def main() -> None:
    file = Path(sys.argv[1])
    sent: dict[str, Sent] = pickle.loads(file.read_bytes())
    _read(Sent(b'{"instances":[[1.5]]}', {}), file.with_suffix(".first"))
    found = {name: _in_a_fork(one, file.with_suffix(".log")) for name, one in sent.items()}
    sys.stdout.buffer.write(pickle.dumps(found))
