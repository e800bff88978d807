"""The demo: a model is trained, served and attacked, and the attackers are found among benign users.

Nothing is acted: the model is asked over HTTP, the attacks have no other way in, and detection reads only the log that
the server wrote.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import orjson
from threadpoolctl import threadpool_limits

from caponier import __version__
from caponier.app import demo_tally
from caponier.app.build_baseline import BaselineReport, build_baseline
from caponier.app.demo_clients import Crowd, Door, Plot, crowd
from caponier.app.demo_folder import DemoFolder, prepare
from caponier.app.demo_replay import Replay, replay
from caponier.app.demo_report import write_report
from caponier.app.demo_result import DemoResult, Served, Traffic
from caponier.app.demo_stages import Journal, Stages, follow
from caponier.app.demo_tally import Day
from caponier.app.findings import record_findings
from caponier.app.progress import Progress, Silent
from caponier.app.scan_inference import ScanReport, scan_inference
from caponier.app.workspace import read_salt
from caponier.app.write_file import write_bytes
from caponier.emulate.event_log import Deployment
from caponier.emulate.population import assemble
from caponier.emulate.registry import attack
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, load_digits_split, train_victim
from caponier.emulate.victims.server import serve
from caponier.extras import needs

DEPLOYMENT: Final = Deployment("digits-mlp", "1", "mail-sorting")
ATTACKS: Final = ("hop_skip_jump", "boundary")
ATTEMPTS: Final = 4
"""Images that an attacker tries at most: now and then a search ends farther away than half of where it began."""
STRANGERS: Final = 1_000
"""Added to the seed of the users who are scanned, so that none of them is one of those who were learned from."""


@dataclass(frozen=True)
class Size:
    """How much happens in a demo.

    Args:
        calibration: Benign users that the baseline is built from. The alert budget of the demo's workspace counts on
            as many.
        test: Benign users among the attackers.
        raids: Attackers with each attack.
        queries: Different rows that each benign user asks for: a whole horizon.
    """

    calibration: int = 306
    test: int = 45
    raids: int = 2
    queries: int = 200


FULL: Final = Size()


@dataclass(frozen=True, eq=False)
class _Stage:
    """What is on stage: the digits in pools that never meet, and the model."""

    split: DigitsSplit
    victim: Victim
    seed: int
    size: Size


def run_demo(out: Path, *, seed: int = 0, size: Size = FULL, progress: Progress | None = None) -> DemoResult:
    """Train, serve, learn benign traffic, attack, scan, and write a report.

    Args:
        out: A new or empty folder, or one that a demo made; it becomes a workspace with logs, baseline and report.
        seed: Fixes model, users and attacks, and with them every count in the result.
        size: How much happens.
        progress: Told how far it is.

    Raises:
        InputError: If something else is in the folder.
        MissingExtraError: If the extra `emulate` is not installed.
    """
    _check_extra()
    folder = prepare(out, DEPLOYMENT)
    stages, journal = Stages(progress or Silent()), Journal()
    # The arrays are small: threads of the linear algebra would only get into each other's way, tenfold.
    with threadpool_limits(1, user_api="blas"), crowd() as people:
        with stages.stage("Training the model"):
            split = load_digits_split(seed)
            stage = _Stage(split, train_victim(split.train, split.test, seed), seed, size)
        with serve(
            stage.victim.predict_proba, record=journal.record, principal_of=demo_tally.principal, deployment=DEPLOYMENT
        ) as server:
            door = Door(server.url, DEPLOYMENT.model)
            calm = _calm(stage, folder, people, door, stages, journal)
            with stages.stage("Learning benign traffic") as watch:
                learned = _learn(folder, watch)
            day = _day(stage, folder, people, door, stages, journal)
        with stages.stage("Scanning") as watch:
            report = scan_inference([folder.traffic_log], learned.baseline, workspace=folder.workspace, progress=watch)
            record_findings(folder.workspace, report.findings)
            budget = folder.workspace.detect.alert_budget
            seen = replay(folder.traffic_log, learned.baseline.models[0], budget, read_salt(folder.workspace))
        with stages.stage("Writing the report"):
            result = _result(stage, folder, calm, day, learned, report, seen, stages)
            write_report(folder.report, result, seen)
    write_bytes(folder.result, orjson.dumps(result.to_dict(), option=orjson.OPT_INDENT_2) + b"\n")
    return result


def _check_extra() -> None:
    """Fail before anything is changed."""
    with needs("emulate", "The demo"):
        for module in ("art", "jinja2", "PIL", "sklearn", "uvicorn"):
            if find_spec(module) is None:
                raise ModuleNotFoundError(name=module)


def _calm(stage: _Stage, folder: DemoFolder, people: Crowd, door: Door, stages: Stages, journal: Journal) -> Traffic:
    """Let benign users ask, and nobody else."""
    size = stage.size
    members = assemble(stage.split.calibration.images, size.calibration, stage.seed).members
    total = size.calibration * size.queries
    with stages.stage(f"Serving {len(members)} benign users", total) as watch, journal.into(folder.benign_log):
        visits = people.visits(members, door, size.queries)
        follow([visits], journal, watch, total)
    return demo_tally.traffic(visits.result())


def _learn(folder: DemoFolder, watch: Progress) -> BaselineReport:
    report = build_baseline([folder.benign_log], workspace=folder.workspace, progress=watch)
    write_bytes(folder.baseline, report.baseline.to_bytes())
    return report


def _day(stage: _Stage, folder: DemoFolder, people: Crowd, door: Door, stages: Stages, journal: Journal) -> Day:
    """Let other benign users ask while attackers attack."""
    size = stage.size
    population = assemble(stage.split.test.images, size.test, stage.seed + STRANGERS)
    plots = _plots(stage)
    budgets = sum(attack(plot.emulation).budget for plot in plots)
    total = size.test * size.queries + budgets
    with stages.stage("Attacking among other users", total) as watch, journal.into(folder.traffic_log):
        raids = people.raids(plots, door)
        visits = people.visits(population.members, door, size.queries)
        follow([raids, visits], journal, watch, total)
    return Day(population, visits.result(), plots, raids.result())


def _plots(stage: _Stage) -> tuple[Plot, ...]:
    """Give each attacker images of its own, all of which the model gets right."""
    pool = stage.victim.understood(stage.split.attackers)
    names = [name for _ in range(stage.size.raids) for name in ATTACKS]
    return tuple(_plot(pool, name, ordinal, stage.seed) for ordinal, name in enumerate(names))


def _plot(pool: Pool, name: str, ordinal: int, seed: int) -> Plot:
    own = slice(ordinal * ATTEMPTS, (ordinal + 1) * ATTEMPTS)
    key = f"{name}-{seed}-{ordinal}"
    return Plot(key, name, pool.images[own], pool.labels[own], seed * 100 + ordinal)


def _result(
    stage: _Stage,
    folder: DemoFolder,
    calm: Traffic,
    day: Day,
    learned: BaselineReport,
    report: ScanReport,
    seen: Replay,
    stages: Stages,
) -> DemoResult:
    system = folder.workspace.system_of(DEPLOYMENT.model)
    purpose = (system.purpose if system else None) or "reads digits"
    victim = stage.victim
    served = Served(
        DEPLOYMENT.model, DEPLOYMENT.model_version, DEPLOYMENT.system, purpose, victim.kind, victim.accuracy
    )
    return DemoResult(
        version=__version__,
        seed=stage.seed,
        out=folder.root,
        served=served,
        calibration=calm,
        benign=demo_tally.benign(day, report, seen),
        attackers=demo_tally.attackers(day, report, seen),
        findings=tuple(report.findings),
        events=report.events,
        certainty=demo_tally.certainty(learned.baseline.models[0], folder.workspace.detect.alert_budget, seen),
        skipped=demo_tally.skipped(learned, report),
        notes=(*learned.notes, *report.notes),
        seconds=stages.seconds,
    )
