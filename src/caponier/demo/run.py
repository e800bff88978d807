"""The demo: a model is served and attacked by somebody with a stolen account, and Caponier closes the loop.

Nothing is acted: the model is asked over HTTP, the attacks have no other way in, and detection reads only the logs and
files that are left. What is blocked is refused by a guard before the server, and every figure is counted in this run.
"""

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import orjson
from threadpoolctl import threadpool_limits

from caponier import __version__
from caponier.app.inference.baseline.build import BaselineReport, build_baseline
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.app.progress import Progress, Silent
from caponier.app.workspace.workspace import read_salt
from caponier.demo import tally
from caponier.demo.clients import AttackJob, ClientPool, Endpoint, client_pool, unseen
from caponier.demo.containment import KNOCKS, ContainmentScenario, contain
from caponier.demo.folder import DemoFolder, prepare
from caponier.demo.hunt import Traces, hunt, leave_traces
from caponier.demo.keys import attacker_key, principal
from caponier.demo.outcome import Aftermath, Containment, Hunt
from caponier.demo.repair import repair
from caponier.demo.replay import Replay, replay
from caponier.demo.report import write_report
from caponier.demo.result import DemoResult, Served, Traffic
from caponier.demo.stages import Journal, Stages, follow
from caponier.demo.tally import Day
from caponier.demo.validation import audited, validated
from caponier.emulate.event_log import Deployment
from caponier.emulate.registry import attacks, campaigns
from caponier.emulate.simulation.population import assemble
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, load_digits_split, train_victim
from caponier.emulate.victims.server import serve
from caponier.extras import needs
from caponier.formats.atomic_file import write_bytes

DEPLOYMENT: Final = Deployment("digits-mlp", "1", "mail-sorting")
EXTRACTION: Final = "jbda"
ATTACKS: Final = ("hop_skip_jump", "boundary")
ATTEMPTS: Final = 4
"""Images that an attacker tries at most: now and then a search ends farther away than half of where it began."""
TEST_SEED_OFFSET: Final = 1_000
"""Added to the seed of the users who are scanned, so that none of them is one of those who were learned from."""


EXTRAS: Final = {
    "emulate": ("art", "jinja2", "PIL", "sklearn", "uvicorn"),
    "logs": ("sigma",),
    "serve": ("aiohttp",),
}
"""What has to be installed, as far as it can be told without importing it."""


@dataclass(frozen=True)
class Size:
    """How much happens in a demo.

    Args:
        calibration: Benign users that the baseline is built from. The alert budget of the demo's workspace counts on
            as many.
        test: Benign users among the attackers.
        repeats: How often each attack on images is made, each time with a key of its own.
        queries: Different rows that each benign user asks for: as many as are shown.
        trials: Names of detectors or emulations to validate; all by default.
    """

    calibration: int = 306
    test: int = 45
    repeats: int = 1
    queries: int = 200
    trials: tuple[str, ...] = ()


FULL: Final = Size()


@dataclass(frozen=True, eq=False)
class _World:
    """What is on stage: the digits in pools that never meet, and the model."""

    split: DigitsSplit
    victim: Victim
    seed: int
    size: Size


def run_demo(out: Path, *, seed: int = 0, size: Size = FULL, progress: Progress | None = None) -> DemoResult:
    """Train, serve, learn benign traffic, attack, scan, respond, repair, validate, and write a report.

    Args:
        out: A new or empty folder, or one that a demo made; it becomes a workspace with logs, baseline and report.
        seed: Fixes model, users and attacks, and with them every count in the result.
        size: How much happens.
        progress: Told how far it is.

    Raises:
        InputError: If something else is in the folder.
        MissingExtraError: If one of the extras `emulate`, `logs` and `serve` is not installed.
    """
    _check_extra()
    keys = [attacker_key(name, seed, ordinal) for ordinal, name in enumerate(_names(size))]
    folder = prepare(out, DEPLOYMENT, [principal(key) or key for key in keys])
    stages, journal = Stages(progress or Silent()), Journal()
    # The arrays are small: threads of the linear algebra would only get into each other's way, tenfold.
    with threadpool_limits(1, user_api="blas"), client_pool() as people:
        with stages.stage("Training the model"):
            split = load_digits_split(seed)
            world = _World(split, train_victim(split.train, split.test, seed), seed, size)
        with serve(
            world.victim.predict_proba, record=journal.record, principal_of=principal, deployment=DEPLOYMENT
        ) as server:
            door = Endpoint(server.url, DEPLOYMENT.model)
            calibration = _calibrated(world, folder, people, door, stages, journal)
            with stages.stage("Learning benign traffic") as watch:
                learned = _learn(folder, watch)
            day = _day(world, folder, people, door, stages, journal)
            with stages.stage("Leaving other traces"):
                traces = leave_traces(folder, split, DEPLOYMENT, seed)
            report, seen, found = _scan(folder, learned, traces, stages)
            containment = _respond(world, folder, people, door, day, found, stages)
        after = _after(world, folder, traces, found, containment, stages)
        with stages.stage("Writing the report"):
            result = _result(world, folder, calibration, day, learned, report, seen, found, after, stages)
            write_report(folder.report, result, seen)
    write_bytes(folder.result, orjson.dumps(result.to_dict(), option=orjson.OPT_INDENT_2) + b"\n")
    return result


def _check_extra() -> None:
    """Fail before anything is changed."""
    for extra, modules in EXTRAS.items():
        with needs(extra, "The demo"):
            for module in modules:
                if find_spec(module) is None:
                    raise ModuleNotFoundError(name=module)


def _names(size: Size) -> tuple[str, ...]:
    """Return the attacks in the order in which they are made: first a copy of the model, then evasion."""
    return (EXTRACTION, *(name for _ in range(size.repeats) for name in ATTACKS))


def _calibrated(
    world: _World, folder: DemoFolder, people: ClientPool, door: Endpoint, stages: Stages, journal: Journal
) -> Traffic:
    """Let benign users ask, and nobody else."""
    size = world.size
    members = assemble(world.split.calibration.images, size.calibration, world.seed).members
    total = size.calibration * size.queries
    with stages.stage(f"Serving {len(members)} benign users", total) as watch, journal.into(folder.benign_log):
        visits = people.visits(members, door, size.queries)
        follow([visits], journal, watch, total)
    return tally.traffic(visits.result())


def _learn(folder: DemoFolder, watch: Progress) -> BaselineReport:
    report = build_baseline([folder.benign_log], workspace=folder.workspace, progress=watch)
    write_bytes(folder.baseline, report.baseline.to_bytes())
    return report


def _day(
    world: _World, folder: DemoFolder, people: ClientPool, door: Endpoint, stages: Stages, journal: Journal
) -> Day:
    """Let other benign users ask while the stolen account's keys attack."""
    size = world.size
    population = assemble(world.split.test.images, size.test, world.seed + TEST_SEED_OFFSET)
    jobs = _jobs(world)
    total = size.test * size.queries + sum(_budget(job) for job in jobs)
    with stages.stage("Attacking among other users", total) as watch, journal.into(folder.traffic_log):
        people.await_attackers()
        results = people.attack(jobs, door)
        visits = people.visits(population.members, door, size.queries)
        follow([results, visits], journal, watch, total)
    return Day(population, visits.result(), jobs, results.result())


def _budget(job: AttackJob) -> int:
    return campaigns.one(job.emulation).budget if job.stage else attacks.one(job.emulation).budget


def _jobs(world: _World) -> tuple[AttackJob, ...]:
    """Give each attack images of its own, all of which the model gets right."""
    pool = world.victim.understood(world.split.attackers)
    names = _names(world.size)
    return (_copying(world, names[0]), *(_plot(pool, name, at, world.seed) for at, name in enumerate(names) if at))


def _copying(world: _World, name: str) -> AttackJob:
    stage = campaigns.one(name).stage(world.split, world.seed, world.victim)
    # The model itself stays here: the attacker's process must have no other way to it than to ask.
    told = replace(stage, victim=Victim(world.victim.kind, unseen, world.victim.accuracy))
    return AttackJob(attacker_key(name, world.seed, 0), name, stage.held.images, stage.held.labels, world.seed, told)


def _plot(pool: Pool, name: str, ordinal: int, seed: int) -> AttackJob:
    own = slice((ordinal - 1) * ATTEMPTS, ordinal * ATTEMPTS)
    return AttackJob(
        attacker_key(name, seed, ordinal), name, pool.images[own], pool.labels[own], seed * 100 + ordinal - 1
    )


def _scan(
    folder: DemoFolder, learned: BaselineReport, traces: Traces, stages: Stages
) -> tuple[ScanReport, Replay, Hunt]:
    """Look at everything that was left behind."""
    workspace = folder.workspace
    with stages.stage("Scanning") as watch:
        report = scan_inference([folder.traffic_log], learned.baseline, workspace=workspace, progress=watch)
        found = hunt(folder, DEPLOYMENT, traces, report)
        section, salt = learned.baseline.models[0], read_salt(workspace)
        seen = replay(folder.traffic_log, section, workspace.detect, salt)
    return report, seen, found


def _respond(
    world: _World, folder: DemoFolder, people: ClientPool, door: Endpoint, day: Day, found: Hunt, stages: Stages
) -> Containment | None:
    if found.incident is None:
        return None
    images = world.split.attackers.images[-KNOCKS:]
    scene = ContainmentScenario(people, day.population.members, day.jobs, images, DEPLOYMENT.model, door.url)
    with stages.stage("Blocking, undoing, blocking again"):
        return contain(folder, found.incident, scene)


def _after(
    world: _World, folder: DemoFolder, traces: Traces, found: Hunt, containment: Containment | None, stages: Stages
) -> Aftermath:
    with stages.stage("Repairing"):
        repaired = repair(folder, DEPLOYMENT.model, traces.batch, found.incident, world.seed)
    with stages.stage("Validating") as watch:
        proven = validated(folder, world.seed, world.size.trials, watch)
    return Aftermath(containment, repaired, proven, audited(folder))


def _result(
    world: _World,
    folder: DemoFolder,
    calibration: Traffic,
    day: Day,
    learned: BaselineReport,
    report: ScanReport,
    seen: Replay,
    found: Hunt,
    after: Aftermath,
    stages: Stages,
) -> DemoResult:
    system = folder.workspace.system_of(DEPLOYMENT.model)
    purpose = (system.purpose if system else None) or "reads digits"
    victim = world.victim
    served = Served(
        DEPLOYMENT.model, DEPLOYMENT.model_version, DEPLOYMENT.system, purpose, victim.kind, victim.accuracy
    )
    return DemoResult(
        version=__version__,
        seed=world.seed,
        out=folder.root,
        served=served,
        calibration=calibration,
        benign=tally.benign(day, report, seen),
        attackers=tally.attackers(day, report, seen),
        findings=tuple(report.findings),
        events=report.events,
        certainty=tally.certainty(learned.baseline, seen),
        skipped=tally.skipped(learned, report),
        notes=tuple(dict.fromkeys((*learned.notes, *report.notes))),
        hunt=found,
        after=after,
        seconds=stages.seconds,
    )
