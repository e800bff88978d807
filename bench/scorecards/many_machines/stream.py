"""What a stream costs: bytes that are kept of a caller, bytes that are dealt out, and processor time of a look.

Looks are those of `caponier stream`, one after the other in this process: what Spark adds is Java's, and is measured by
`scripts/bench cluster` for batches. Nothing here goes by the clock.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from bench.machinery.many_machines.stream_in_process import Follower
from bench.machinery.measured import cpu_seconds, say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.records.inventory import Workspace

FEATURES: Final = 64
BEGIN: Final = 1_760_000_000_000
QUERIES: Final = (5, 40, 250)
"""Of each caller, all different."""
LOOKS: Final = 12
GOALS = (
    # The ring of a caller is full after 200 queries: what comes later adds nothing.
    Goal("state_growth_of_known_callers", 1.1, at_least=False),
)


def _line(time: int, who: str, values: Any) -> bytes:
    row = {"time": time, "event_id": f"{who}-{time}", "model": "m", "operation": "predict", "principal": who}
    label = str(int(values.sum() > values.size / 2))
    return orjson.dumps({**row, "input": values.tolist(), "label": label, "scores": [0.6, 0.4]}) + b"\n"


def _lines(callers: int, queries: int, begin: int, seed: int) -> Iterator[bytes]:
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0.2, 0.8, (callers, FEATURES))
    for at in range(queries):
        for who in range(callers):
            values = np.clip(centres[who] + rng.normal(0, 0.2, FEATURES), 0, 1)
            yield _line(begin + at * 60_000 + who, f"k-{seed}-{who}", np.round(values, 4))


def _workspace(root: Path) -> Workspace:
    create_workspace(root)
    file, model = root / "caponier.toml", '[model.features]\nkind = "numeric"\n'
    model += f"shape = [{FEATURES}]\nminimum = 0.0\nmaximum = 1.0\n"
    said = file.read_text()
    file.write_text(f'{said}\n[[model]]\nname = "m"\n{model}')
    (root / "benign.jsonl").write_bytes(b"".join(_lines(60, 40, BEGIN, 1)))
    report = build_baseline([root / "benign.jsonl"], workspace=load_workspace(root))
    (root / "m.safetensors").write_bytes(report.baseline.to_bytes())
    file.write_text(f'{said}\n[[model]]\nname = "m"\nbaseline = "m.safetensors"\n{model}')
    home = load_workspace(root)
    if home is None:
        raise RuntimeError(f"no workspace in {root}")
    return home


def _append(home: Workspace, lines: Iterator[bytes]) -> int:
    given = list(lines)
    Path(home.lake).mkdir(exist_ok=True)
    with (Path(home.lake) / "guard.jsonl").open("ab") as file:
        file.writelines(given)
    return len(given)


def _state(follower: Follower) -> int:
    return sum(path.stat().st_size for path in follower.checkpoint.state.glob("*.state"))


def run(quick: bool) -> Scorecard:
    """Measure callers of few and of many queries, then looks at those who are known."""
    callers = 20 if quick else 400
    figures: dict[str, Any] = {}
    table: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="stream-") as name:
        home = _workspace(Path(name) / "w")
        for queries in QUERIES:
            say(f"{callers} callers of {queries} queries")
            table.append(_fresh(home, Path(name), callers, queries))
            figures[f"state_bytes_a_caller_of_{queries}_queries"] = table[-1]["state_bytes_a_caller"]
        figures["dealt_bytes_an_event"] = table[-1]["dealt_bytes_an_event"]
        figures["events_a_cpu_second"] = table[-1]["events_a_cpu_second"]
        say("looks at callers who are known")
        figures |= _known(home, Path(name) / f"c{QUERIES[-1]}", callers)
    about = (
        f"{callers} callers with inputs of {FEATURES} numbers, all detectors that run on these, by caller and by cell. "
        "States as they lie on the disk, packed; what is dealt out as it is written for the shuffle."
    )
    return Scorecard("stream", about, figures, GOALS, seeds=(1,), table=table)


def _fresh(home: Workspace, folder: Path, callers: int, queries: int) -> dict[str, Any]:
    for old in Path(home.lake).glob("*.jsonl") if Path(home.lake).exists() else ():
        old.unlink()
    events = _append(home, _lines(callers, queries, BEGIN + 86_400_000, 100 + queries))
    follower = Follower(home, folder / f"c{queries}", shards=16)
    began = cpu_seconds()
    dealt = _looked(follower)
    spent = cpu_seconds() - began
    known = sum(follower.stream.standing.subjects.values())
    return {
        "queries": queries,
        "events": events,
        "subjects": known,
        "state_bytes_a_caller": _state(follower) // callers,
        "dealt_bytes_an_event": dealt // events,
        "events_a_cpu_second": int(events / spent),
    }


def _looked(follower: Follower) -> int:
    """Take what is new; return the bytes that were dealt out."""
    sizes: list[int] = []
    looked = follower.engine.looked

    def measured(plan: Any, step: Any, files: Any) -> Any:
        sizes.append(sum((plan.folder / one).stat().st_size for one in files))
        return looked(plan, step, files)

    follower.engine.looked = measured  # type: ignore[method-assign]
    follower.drain()
    follower.engine.looked = looked  # type: ignore[method-assign]
    # What waited for the drain was written twice.
    return sizes[0]


def _known(home: Workspace, folder: Path, callers: int) -> dict[str, Any]:
    follower, spent, states = Follower(home, folder, shards=16), [], []
    for turn in range(LOOKS):
        _append(home, _lines(callers, 1, BEGIN + 3 * 86_400_000 + turn * 60_000, 100 + QUERIES[-1]))
        began = cpu_seconds()
        follower.look()
        spent.append(cpu_seconds() - began)
        states.append(_state(follower))
    return {
        "cpu_ms_of_a_look_and_active_caller": round(1_000 * float(np.median(spent)) / callers, 3),
        "state_growth_of_known_callers": round(min(states[LOOKS // 2 :]) / min(states[: LOOKS // 2]), 3),
    }
