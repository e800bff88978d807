"""Eight processes write findings, incidents and actions to one store at once: nothing is lost, and how quick it is."""

import multiprocessing
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, process_time
from typing import Any, Final

from bench.machinery.many_machines.postgresql_server import programs, running
from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.incidents.incidents import count_loose_findings
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.respond.respond import list_actions
from caponier.app.stream.respond import respond_to
from caponier.app.workspace.verify_audit import verify_audit
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.detect.registry import select
from caponier.errors import CaponierError
from caponier.records.finding import Basis, Evidence, Finding, SubjectRef
from caponier.records.finding_builder import build_finding
from caponier.records.inventory import Workspace
from caponier.store.database import open_store
from caponier.store.findings import FindingFilter, search

WRITERS: Final = 8
TOGETHER: Final = 10
"""Findings in a transaction, as of one look of a stream in a storm."""
TURNS: Final = 25
GOALS = (Goal("lost", 0, at_least=False), Goal("failed", 0, at_least=False))
BEGIN: Final = datetime(2026, 1, 5, tzinfo=UTC)
DETECTORS: Final = ("iterative_query", "input_search")
_TECHNIQUES: Final = {one.name: one.techniques for one in select() if one.name in DETECTORS}


def _finding(writer: int, turn: int, at: int) -> Finding:
    # Half of the callers are known to two writers at once: their incidents must become one.
    caller = f"k-{(writer // 2 if at % 2 else 100 + writer)}-{turn}-{at}"
    moment, name = BEGIN + timedelta(seconds=turn), DETECTORS[writer % 2]
    return build_finding(
        name,
        SubjectRef("principal", caller),
        f"e-{writer}-{turn}-{at}",
        confidence=0.97,
        techniques=_TECHNIQUES[name],
        evidence=Evidence("near_pairs", 8.0, 1.0, 0, 300, 8, Basis.PROMISE),
        summary="Eight different queries, each a small step from an earlier one",
        times=(moment, moment),
        system=None,
        model="m",
        event_ids=(f"e-{writer}-{turn}-{at}",),
    )


_ready: Any = None
"""Where the writers wait for each other: none begins before all have started."""


def _start(barrier: Any) -> None:
    global _ready
    _ready = barrier


def _write(root: Path, writer: int, turns: int) -> tuple[int, float, float, float]:
    """Write findings turn by turn, as a stream that enforces does; return failures, begin, end, processor seconds."""
    home, failed = _home(root), 0
    with open_store(home.store):
        _ready.wait()
    began, spent = monotonic(), process_time()
    for turn in range(turns):
        found = [_finding(writer, turn, at) for at in range(TOGETHER)]
        try:
            keep_findings(home, found, actor=f"writer {writer}")
            respond_to(home, [one.finding_id for one in found[:2]], 1_000, f"writer {writer}", lambda _: None)
        except CaponierError as failure:
            say(f"writer {writer}, turn {turn}: {failure}")
            failed += 1
    return failed, began, monotonic(), process_time() - spent


def _home(root: Path) -> Workspace:
    home = load_workspace(root)
    if home is None:
        raise RuntimeError(f"no workspace in {root}")
    return home


@contextmanager
def _stores(folder: Path) -> Iterator[dict[str, str | None]]:
    within = programs()
    if within is None:
        yield {"sqlite": None}
        return
    with running(within) as url:
        yield {"postgresql": url, "sqlite": None}


def run(quick: bool) -> Scorecard:
    """Have them write."""
    turns, figures = 5 if quick else TURNS, {"lost": 0, "failed": 0}
    table: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="writers-") as name, _stores(Path(name)) as stores:
        for kind, url in stores.items():
            say(f"{WRITERS} writers on {kind}")
            row = _measured(Path(name) / kind, url, turns)
            table.append({"store": kind, **row})
            say(str(table[-1]))
            figures["lost"] += row["lost"]
            figures["failed"] += row["failed"]
            figures[f"{kind}_findings_per_second"] = row["findings_per_second"]
            figures[f"{kind}_writer_cpu_ms_a_transaction"] = row["writer_cpu_ms_a_transaction"]
    about = (
        f"{WRITERS} processes keep {TOGETHER} findings a transaction with their incidents, and begin responses, "
        f"{turns} times each, into one store at once. Seconds are those of the clock."
    )
    return Scorecard("writers", about, figures, GOALS, table=table)


def _measured(root: Path, url: str | None, turns: int) -> dict[str, Any]:
    create_workspace(root)
    if url is not None:
        file = root / "caponier.toml"
        lines = [f'store = "{url}"' if line.startswith("store = ") else line for line in file.read_text().splitlines()]
        file.write_text("\n".join(lines))
    home = _home(root)
    with open_store(home.store):
        # Its tables are made before the clock runs.
        pass
    context = multiprocessing.get_context("spawn")
    with context.Pool(WRITERS, _start, (context.Barrier(WRITERS),)) as pool:
        ran = pool.starmap(_write, [(root, writer, turns) for writer in range(WRITERS)], chunksize=1)
    failed = sum(one[0] for one in ran)
    seconds = max(one[2] for one in ran) - min(one[1] for one in ran)
    expected = WRITERS * turns * TOGETHER
    with open_store(home.store) as store, store.read() as connection:
        kept = len(search(connection, FindingFilter()))
    return {
        "findings": kept,
        "lost": expected - kept + count_loose_findings(home),
        "failed": failed,
        "actions": len(list_actions(home, everything=True)),
        "audit_whole": verify_audit(home).ok,
        "seconds": round(seconds, 1),
        "findings_per_second": round(kept / seconds, 1),
        "writer_cpu_ms_a_transaction": round(1_000 * sum(one[3] for one in ran) / (2 * WRITERS * turns), 1),
        "transactions_per_second": round(2 * WRITERS * turns / seconds, 1),
    }
