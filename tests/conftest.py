"""One simulated world for all tests: a victim, benign users to learn from, other users, and attackers among them."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from caponier.app.inference.baseline.build import BaselineReport, build_baseline
from caponier.app.inference.enrich import enrich_events
from caponier.app.inference.load import enrichments_of
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.detect.dataset import DatasetDetector
from caponier.detect.datasets.label_noise import LabelNoise
from caponier.detect.datasets.trigger_rows import TriggerRows
from caponier.detect.detector import Signal
from caponier.detect.registry import event_detectors
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.controls.clients.owner_of_records import RECORDS
from caponier.emulate.disguises.accounts import Splitting
from caponier.emulate.event_log import interleaved
from caponier.emulate.images import Images
from caponier.emulate.network import Schooling
from caponier.emulate.probe import Truth
from caponier.emulate.registry import attacks, campaigns, harmless_sources, newcomers, probes, sources
from caponier.emulate.simulation.feedback_simulation import FeedbackSimulation, gathered
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.probe_trace import trace_probe
from caponier.emulate.simulation.scenario import SCENES
from caponier.emulate.simulation.trace import EPOCH, trace, trace_campaign
from caponier.emulate.simulation.visits import let_in, visitors
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, load_digits_split, train_victim
from caponier.emulate.victims.online_learner import OnlineLearner
from caponier.emulate.victims.variable_cost import billed
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.store import schema
from caponier.telemetry.labelled_data.dataset import Dataset
from lasting import lasting
from law_profiles import cut_laws
from measured import Measuring, listed, mark_slow
from mould import Mould
from once import once, run_folder
from outputs.held_output import HeldOutputs
from remembered import Remembered

# pytest-xdist gives its workers a terminal of 80 columns; in a pipe there is none, and that is what users get there.
os.environ.pop("COLUMNS", None)
# Planting attacks takes longer than most of what is tested here; what is about it asks for it.
os.environ["CAPONIER_SELF_TEST"] = "0"
# Nothing here has an address of letters beyond ASCII, whose grammar jsonschema would build for a second a process.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
# Of a store that a test begins with it needs what the migrations make, not that they run once more.
schema._migrate = Mould(schema._migrate)

USERS = 260
TEACHERS = 140
"""Who send a model that learns feedback in good faith: twenty of each source."""
ROUNDS = 120
"""In which all of them ask and say so much that a detector remembers all that it can."""
RUNS = 5
FLOOD = 1_500
"""Queries of a flood; of everything else 150 are enough."""
ALPHA = 0.02
WORLDS = frozenset({"world", "lesson", "enriched"})


def rows_of(detector: DatasetDetector, dataset: Dataset) -> tuple[DatasetDetector, Dataset]:
    """Return what an analysis rests on: not where the file lies."""
    return detector, replace(dataset, path=Path())


REMEMBERED: tuple[tuple[type, str, Callable[..., Any] | None], ...] = (
    (Schooling, "classifier", None),
    (Schooling, "regressor", None),
    (TriggerRows, "analyse", rows_of),
    (LabelNoise, "analyse", rows_of),
)
"""What takes long, and depends on what it is given alone; tests of one of them ask for `forgetting`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew", action="store_true", help="Write the outputs of tests/outputs/held anew.")
    parser.addoption("--measure", action="store_true", help="List anew which tests take long.")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--measure"):
        config.pluginmanager.register(Measuring())


@pytest.fixture
def held(pytestconfig: pytest.Config) -> HeldOutputs:
    """Compares whole outputs with the files that hold them."""
    return HeldOutputs(renew=bool(pytestconfig.getoption("--renew")))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    with lasting():
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cut laws down to the profile, and leave out of quick runs what takes long or needs one of the worlds below."""
    cut_laws(items)
    mark_slow(items, listed())
    for item in items:
        if WORLDS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def _remembered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Train the same network, and search the same data set, once a run."""
    keeper = Remembered(run_folder(tmp_path_factory) / "remembered")
    with pytest.MonkeyPatch.context() as patch:
        for owner, name, told in REMEMBERED:
            patch.setattr(owner, name, keeper.of(getattr(owner, name), told))
        yield


@pytest.fixture(scope="module")
def forgetting() -> Iterator[None]:
    """Do what is remembered otherwise each time that it is asked for."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name, _ in REMEMBERED:
            patch.setattr(owner, name, getattr(owner, name).__wrapped__)
        yield


@dataclass(frozen=True)
class World:
    """Logs and a baseline; every user asks 55 different queries; answers have costs."""

    benign: Path
    users: Path
    """Other users than those of `benign`, a day later."""
    attacked: Path
    """The same users, and among them five runs of every attack, campaign and probe, and harmless callers."""
    some: Path
    """An eighth of these users and callers, and one run of every attack: for what a few show as well as all."""
    few: Path
    """An eighth of the users, alone."""
    baseline: BaselineReport
    baseline_file: Path
    workspace: Workspace
    """Whose salt the sketch of the training set was made with."""
    training: Images
    """What the victims were trained on."""
    events: pa.Table
    """What `attacked` holds."""
    models: Mapping[str, Predict]
    """Models that attackers brought, by principal; everybody else asked the same one."""


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[DigitsSplit, Victim]:
    def made(_: Path) -> tuple[DigitsSplit, Victim]:
        split = load_digits_split(0)
        return split, train_victim(split.train, split.test, 0)

    return once(tmp_path_factory, "digits", made)


def _taught(split: DigitsSplit, pool: Pool, seed: int, begin: datetime = EPOCH) -> pa.Table:
    """Let those who mean no harm use a model that learns from them."""
    forum = FeedbackSimulation(OnlineLearner(split.train, seed), split.train, ROUNDS, begin=begin)
    return forum.run(gathered(harmless_sources(), pool, TEACHERS, seed), seed).events


def _mistaught(split: DigitsSplit) -> list[pa.Table]:
    """Return what those send who attack a model through its feedback; beside them stand some harmless ones."""
    bad = sources().keys() - harmless_sources().keys()
    played = [replace(SCENES[name], attackers=RUNS, others=RUNS).played(split, 0).events for name in sorted(bad)]
    return [events.filter(pc.starts_with(events["principal"], "attacker-")) for events in played]


@pytest.fixture(scope="session")
def world(digits: tuple[DigitsSplit, Victim], tmp_path_factory: pytest.TempPathFactory) -> World:
    return once(tmp_path_factory, "world", lambda folder: _attacked_world(*digits, folder))


def _attacked_world(split: DigitsSplit, victim: Victim, folder: Path) -> World:
    later = EPOCH + timedelta(days=1)
    benign = simulate(assemble(split.calibration.images, USERS, 1), victim.predict_proba, 55)
    users = simulate(assemble(split.test.images, USERS, 2), victim.predict_proba, 55, begin=later)
    originals = victim.understood(split.attackers)
    # Those who share a search out have other images: the same queries once more would be nothing new to a cell.
    runs = [
        trace(
            *(attack, victim.predict_proba, originals.images[turn], int(originals.labels[turn])),
            seed=turn,
            budget=150,
            accounts=attack.accounts,
            disguise=Splitting,
            begin=later,
        ).events
        for attack in attacks().values()
        for turn in range(RUNS if attack.accounts > 1 else 0, 2 * RUNS if attack.accounts > 1 else RUNS)
    ]
    # What customers own of the training set are the first images of their pools.
    training = [split.train.images, split.calibration.images[:RECORDS], split.test.images[:RECORDS]]
    models: dict[str, Predict] = {}
    for name, campaign in campaigns().items():
        for i in range(RUNS):
            stage = campaign.stage(split, i, victim)
            training.append(stage.training.images)
            budget = FLOOD if name == "flood" else 150
            runs.append(trace_campaign(campaign, stage, seed=i, budget=budget, begin=later).events)
            if stage.victim is not victim:
                models |= dict.fromkeys(runs[-1]["principal"].to_pylist(), stage.victim.predict_proba)
    for probe in probes().values():
        told = (trace_probe(probe, victim.predict_proba, Truth.of(victim), seed=i, begin=later) for i in range(RUNS))
        runs += [done.events for done in told]
    callers = visitors(newcomers(), 3, 2)
    runs.append(let_in(callers, split.test.images, victim.predict_proba, requests=80, begin=later))
    # Whoever explores a server also asks for models that are not there.
    runs = [billed(run.filter(pc.equal(run["model"], "digits"))) for run in runs]
    benign, users = billed(benign), billed(users)
    logs = {"benign": benign, "users": users, "attacked": interleaved([users, *runs])}
    return _world(folder, logs, np.concatenate(training), models)


@pytest.fixture(scope="session")
def lesson(digits: tuple[DigitsSplit, Victim], tmp_path_factory: pytest.TempPathFactory) -> World:
    """A model that learns from its users: those to learn from, others, and five of each bad source among them."""
    split, _ = digits

    def made(folder: Path) -> World:
        users = _taught(split, split.test, 2, EPOCH + timedelta(days=1))
        logs = {
            "benign": _taught(split, split.calibration, 1),
            "users": users,
            "attacked": interleaved([users, *_mistaught(split)]),
        }
        return _world(folder, logs, split.train.images, {})

    return once(tmp_path_factory, "lesson", made)


def _a_few_of(events: pa.Table) -> list[str]:
    """Name every eighth of those who mean no harm, and whoever takes part in the first run of an attack."""
    names = sorted(set(events["principal"].to_pylist()))
    attackers = {*attacks(), *campaigns(), *probes()}
    runs = {}
    for name in names:
        kind, run, *_ = name.split("-")
        if kind in attackers:
            runs.setdefault(kind, run)
    harmless = [name for name in names if name.split("-")[0] not in attackers]
    return [*harmless[::8], *(name for name in names if tuple(name.split("-")[:2]) in runs.items())]


def _world(folder: Path, logs: dict[str, pa.Table], training: Images, models: Mapping[str, Predict]) -> World:
    few = logs["users"].filter(pc.is_in(logs["users"]["principal"], pa.array(_a_few_of(logs["users"]))))
    some = logs["attacked"].filter(pc.is_in(logs["attacked"]["principal"], pa.array(_a_few_of(logs["attacked"]))))
    for name, table in (logs | {"few": few, "some": some}).items():
        pq.write_table(table, folder / f"{name}.parquet")
    create_workspace(folder / "workspace")
    workspace = load_workspace(folder / "workspace")
    assert workspace is not None
    report = build_baseline(
        [folder / "benign.parquet"],
        workspace=workspace,
        spec=FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0),
        alpha=ALPHA,
        training_set=training,
    )
    file = folder / "digits.safetensors"
    file.write_bytes(report.baseline.to_bytes())
    return World(
        folder / "benign.parquet",
        folder / "users.parquet",
        folder / "attacked.parquet",
        folder / "some.parquet",
        folder / "few.parquet",
        report,
        file,
        workspace,
        training,
        logs["attacked"],
        models,
    )


@pytest.fixture(scope="session")
def attacked_scan(world: World, tmp_path_factory: pytest.TempPathFactory) -> ScanReport:
    """The scan of users and attackers with a baseline that may flag 2 % of benign callers."""
    return once(tmp_path_factory, "attacked-scan", lambda _: scanned(world, world.attacked))


@pytest.fixture(scope="session")
def some_scan(world: World, tmp_path_factory: pytest.TempPathFactory) -> ScanReport:
    """The scan of some of them."""
    return once(tmp_path_factory, "some-scan", lambda _: scanned(world, world.some))


@pytest.fixture(scope="session")
def lesson_scan(lesson: World, tmp_path_factory: pytest.TempPathFactory) -> ScanReport:
    """The same for the model that learns."""
    return once(tmp_path_factory, "lesson-scan", lambda _: scanned(lesson, lesson.attacked))


@pytest.fixture(scope="session")
def enriched(world: World, digits: tuple[DigitsSplit, Victim], tmp_path_factory: pytest.TempPathFactory) -> World:
    """The same world, with logs for which the model was asked more."""
    return once(tmp_path_factory, "enriched", lambda folder: _enriched(world, digits[1].predict_proba, folder))


def _enriched(world: World, predict: Predict, folder: Path) -> World:
    spec = world.baseline.baseline.models[0].spec

    def asked(events: pa.Table, predict: Predict) -> pa.Table:
        pq.write_table(events, folder / "log.parquet")
        log, out = folder / "log.parquet", folder / "out.parquet"
        enrich_events([log], out, predict, "digits", benign=[world.benign], spec=spec)
        return pq.read_table(out)

    who = world.events["principal"]
    parts = [asked(world.events.filter(pc.invert(pc.is_in(who, pa.array(list(world.models))))), predict)]
    parts += [asked(world.events.filter(pc.equal(who, name)), model) for name, model in world.models.items()]
    logs = {log.stem: asked(pq.read_table(log), predict) for log in (world.benign, world.users)}
    logs["attacked"] = interleaved(parts)
    return _world(folder, logs, world.training, world.models)


@pytest.fixture(scope="session")
def enriched_scan(enriched: World, tmp_path_factory: pytest.TempPathFactory) -> ScanReport:
    """The scan of its users and attackers."""
    return once(tmp_path_factory, "enriched-scan", lambda _: scanned(enriched, enriched.attacked))


def scanned(world: World, log: Path, **options: Any) -> ScanReport:
    """Scan a log of a world with its baseline, which may flag 2 % of benign callers."""
    return scan_inference([log], world.baseline.baseline, workspace=world.workspace, **options)


def world_of(detector: str) -> str:
    """Name the fixture with the world that a detector is tried on."""
    if enrichments_of(event_detectors()[detector]):
        return "enriched"
    return "lesson" if learns(detector) else "world"


def learns(detector: str) -> bool:
    """Tell whether a detector is about what a model is told, so that it is tried on the one that learns."""
    return Signal.FEEDBACK in event_detectors()[detector].needs
