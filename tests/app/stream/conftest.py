"""A small world for streams: a model of three numbers, a baseline, and a day with three kinds of attack in it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.scan import scan_inference
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from once import once

BEGIN = 1_760_000_000_000
DAY = 86_400_000
MODEL = (
    '\n[[model]]\nname = "m"\n{baseline}[model.features]\nkind = "numeric"\nshape = [3]\nminimum = 0.0\nmaximum = 1.0\n'
)
Event = dict[str, Any]


def event(time: int, who: str | None, values: list[float], label: str = "0", **more: Any) -> Event:
    """One query, as a guard writes it."""
    known = {"time": time, "model": "m", "operation": "predict", "principal": who, "input": values, "label": label}
    return {**known, "scores": [0.6, 0.4], **more}


def users(seed: int, begin: int, count: int, name: str) -> list[Event]:
    """Benign callers of forty queries each, over a day."""
    rng, events = np.random.default_rng(seed), []
    for user in range(count):
        centre = rng.uniform(0.2, 0.8, 3)
        for _ in range(40):
            values = np.clip(centre + rng.normal(0, 0.2, 3), 0, 1)
            moment = begin + int(rng.integers(0, DAY))
            events.append(event(moment, f"{name}{user}", values.tolist(), str(int(values.sum() > 1.5))))
    return events


def attacked(begin: int) -> list[Event]:
    """Users, searches, one that is shared out over accounts, a prober, and oddities."""
    events = users(1, begin, 10, "v")
    for who in range(3):
        for step in range(80):
            values = [0.5 + 0.2 * math.sin(step / 40 + who) + step / 1_000, 0.5, 0.25]
            events.append(event(begin + 1_000 * step + who * 7, f"search-{who}", values, str(step // 7 % 2)))
    for step in range(300):
        values = [0.3 + step / 2_000, 0.7, 0.9]
        events.append(event(begin + DAY // 2 + 1_500 * step, f"account-{step % 30}", values, str(step // 5 % 2)))
    for step in range(60):
        events.append(event(begin + 1_000 * step + 3, "prober", [0.1, 0.2, 0.3], status=400))
        events.append(event(begin + 2_000 * step, None, [0.4, 0.2, 0.3], session=f"s{step % 2}", source_ip="192.0.2.7"))
    events += [event(begin + 5, None, [0.1, 0.1, 0.1]), event(begin + 6, "v1", [0.1]), event(begin + 7, "v2", [])]
    events += [event(begin + 8, "twice", [0.2, 0.2, 0.2])] * 3
    events += [event(begin + 9, "v3", [0.1, 0.1, 0.1]) | {"model": "unknown"}]
    events.sort(key=lambda one: one["time"])
    return [one | {"event_id": f"e-{at}"} for at, one in enumerate(events)]


def lines(events: list[Event]) -> bytes:
    """Events as they stand in a lake."""
    return b"".join(orjson.dumps(one) + b"\n" for one in events)


@dataclass(frozen=True)
class StreamWorld:
    """A workspace whose model is watched, and what a day of its traffic holds."""

    root: Path
    events: list[Event]

    def copy(self, to: Path) -> Workspace:
        """Return another workspace of the same kind, with a store and a lake of its own."""
        create_workspace(to)
        baseline = 'baseline = "m.safetensors"\n'
        (to / "m.safetensors").write_bytes((self.root / "m.safetensors").read_bytes())
        (to / ".caponier" / "salt").write_bytes((self.root / ".caponier" / "salt").read_bytes())
        file = to / "caponier.toml"
        file.write_text(file.read_text() + MODEL.format(baseline=baseline))
        home = load_workspace(to)
        assert home is not None
        return home


@pytest.fixture(scope="session")
def stream_world(tmp_path_factory: pytest.TempPathFactory) -> StreamWorld:
    def made(folder: Path) -> StreamWorld:
        root = folder / "world"
        create_workspace(root)
        file = root / "caponier.toml"
        file.write_text(file.read_text() + MODEL.format(baseline=""))
        (folder / "benign.jsonl").write_bytes(lines(users(0, BEGIN, 120, "u")))
        report = build_baseline([folder / "benign.jsonl"], workspace=load_workspace(root))
        (root / "m.safetensors").write_bytes(report.baseline.to_bytes())
        return StreamWorld(root, attacked(BEGIN + 10 * DAY))

    return once(tmp_path_factory, "stream-world", made)


@pytest.fixture
def home(stream_world: StreamWorld, tmp_path: Path) -> Workspace:
    """An empty lake and store."""
    return stream_world.copy(tmp_path / "w")


@pytest.fixture
def lay(home: Workspace, stream_world: StreamWorld) -> Callable[..., None]:
    """Append a stretch of the day to the lake, as three guards do."""

    def lay(begin: int = 0, end: int | None = None, guards: int = 3) -> None:
        folder = Path(home.lake) / "2026-01-01"
        folder.mkdir(parents=True, exist_ok=True)
        part = stream_world.events[begin:end]
        for guard in range(guards):
            with (folder / f"guard-{guard}.jsonl").open("ab") as file:
                file.write(lines(part[guard::guards]))

    return lay


@pytest.fixture(scope="session")
def scanned(stream_world: StreamWorld, tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """What a scan of the whole day finds."""

    def made(folder: Path) -> list[Finding]:
        home = stream_world.copy(folder / "scanned")
        day = Path(home.lake) / "2026-01-01"
        day.mkdir(parents=True)
        for guard in range(3):
            (day / f"guard-{guard}.jsonl").write_bytes(lines(stream_world.events[guard::3]))
        return scan_inference([Path(home.lake)], workspace=home).findings

    return once(tmp_path_factory, "stream-scanned", made)
