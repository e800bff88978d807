"""What attackers get of a guard that enforces, and what benign callers lose by it.

Attacks go over HTTP, without a pause, each with a key of its own against an image of its own: all of them were found
after the fact, and what counts here is whether the image was misread before the guard refused. Benign callers ask in
process at their own pace: their requests carry simulated times, in order. The playbook is the one that ships; the limit
on automatic responses is raised, since there are more attackers here than benign callers.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import orjson

from caponier.app.guard.run import Guard
from caponier.app.progress import Progress, Silent
from caponier.app.validate.lab.attack_line import open_line
from caponier.app.validate.lab.event_attack import asking, keys_of
from caponier.app.validate.lab.guarded_line import guarded
from caponier.app.validate.lab.proving_ground import MAIN, TEST_SEED_OFFSET, ProvingGround, Scale, Target
from caponier.emulate.images import Images
from caponier.emulate.outcome import Stop
from caponier.emulate.registry import attacks
from caponier.emulate.simulation.population import Population, assemble
from caponier.emulate.victims.digits import Victim
from caponier.errors import InputError
from caponier.extras import needs
from caponier.formats.one_thread import one_thread
from caponier.formats.suggest import did_you_mean, nearest
from caponier.guard.exchange import ARRIVED
from caponier.guard.settings import GuardSettings
from caponier.records.inventory import Workspace
from caponier.telemetry.framing.stamps import EPOCH

EACH: Final = 10
"""Images of each attack in a world."""
USERS: Final = 17
"""Benign callers in a world: one of each habit."""
QUERIES: Final = 200
"""Different queries of each of them."""
SPAN_S: Final = 7 * 86_400.0
"""Within which they ask."""
WIDE: Final = {"limit": 1.0, "limit_least": 1_000_000}
"""As many automatic responses as there are attackers."""


@dataclass(frozen=True)
class EnforcedRun:
    """One attack on one image behind a guard that enforces."""

    attack: str
    seed: int
    turn: int
    success: bool
    """Whether the image was misread, by the attack's own measure, before the guard refused."""
    answers: int
    refused: bool


@dataclass(frozen=True)
class EnforcedAttack:
    """What came of one attack on all its images."""

    name: str
    targets: int
    succeeded: int
    refused: int
    answers: float | None
    """The median before a refusal; None if there was none."""

    @property
    def success(self) -> float:
        """The share of its images that it got."""
        return self.succeeded / self.targets


@dataclass(frozen=True)
class BenignCallers:
    """What became of the requests of benign callers with every habit that there is."""

    callers: int = 0
    requests: int = 0
    refused: int = 0
    rounded: int = 0
    waited: int = 0

    def __add__(self, other: "BenignCallers") -> "BenignCallers":
        return BenignCallers(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class EnforcedReport:
    """What a validation behind guards that enforce showed."""

    runs: tuple[EnforcedRun, ...]
    benign: BenignCallers

    @property
    def attacks(self) -> tuple[EnforcedAttack, ...]:
        """The runs of each attack together, in the order in which they were carried out."""
        names = dict.fromkeys(run.attack for run in self.runs)
        return tuple(_together(name, [run for run in self.runs if run.attack == name]) for name in names)


def validate_enforced(
    turns: Mapping[str, int], *, scale: Scale, users: int = USERS, progress: Progress | None = None
) -> EnforcedReport:
    """Attack models behind guards that enforce, and let benign callers ask there.

    Args:
        turns: On how many images each attack is carried out, in each world; see `turns_of`.
        scale: How much is done; each seed is a world of its own.
        users: Benign callers in each world, whom the baseline has not seen.
        progress: Told how far it is.

    Raises:
        MissingExtraError: If one of the extras `emulate` and `serve` is not installed.
    """
    watch = progress or Silent()
    with needs("emulate", "Validation"):
        import sklearn  # noqa: F401 - fails before anything is begun
    with needs("serve", "The guard"):
        import aiohttp  # noqa: F401
    runs: list[EnforcedRun] = []
    benign = BenignCallers()
    for seed in scale.seeds:
        with tempfile.TemporaryDirectory(prefix="caponier-validate-") as folder, one_thread():
            watch.stage(f"Validating in enforce mode with seed {seed}", len(turns) + 1)
            ground = ProvingGround(Path(folder), seed, scale)
            target = ground.target(MAIN, ground.victim, ground.split.train.images)
            home = ground.home(target).model_copy(update={"respond": WIDE})
            runs += attacked(ground, target, home, turns, watch)
            people = assemble(ground.split.test.images, users, seed + TEST_SEED_OFFSET)
            benign += asyncio.run(asked(people, target.victim, home, scale.queries))
            watch.advance(1)
    return EnforcedReport(tuple(runs), benign)


def turns_of(only: Sequence[str], each: int = EACH) -> dict[str, int]:
    """Have each of some attacks be carried out on as many images.

    Args:
        only: Names of attacks on single images; all by default.
        each: Images.

    Raises:
        InputError: If a name is no attack on a single image.
    """
    known = sorted(attacks())
    for name in only:
        if name not in known:
            hint = did_you_mean(nearest(name, known), f"Choose: {', '.join(known)}")
            raise InputError(f"there is no attack on a single image {name!r}", hint=hint)
    return {name: each for name in known if not only or name in only}


def _together(name: str, runs: Sequence[EnforcedRun]) -> EnforcedAttack:
    refused = [run.answers for run in runs if run.refused]
    succeeded = sum(run.success for run in runs)
    return EnforcedAttack(name, len(runs), succeeded, len(refused), median(refused) if refused else None)


def attacked(
    ground: ProvingGround, target: Target, home: Workspace, turns: Mapping[str, int], watch: Progress
) -> list[EnforcedRun]:
    """Attack images behind a guard that works in a workspace and enforces.

    Args:
        ground: The seed's world.
        target: The model.
        home: Knows the model and its baseline.
        turns: How many images each attack is carried out on.
        watch: Advanced once an attack.
    """
    runs: list[EnforcedRun] = []
    originals, seed = target.victim.understood(ground.split.attackers), ground.seed
    guard = partial(guarded, workspace=home, mode="enforce")
    with open_line(target.victim.predict_proba, target.deployment, ground.salt, guard) as line:
        for name, each in turns.items():
            chosen = attacks()[name]
            for turn in range(each):
                image, label = originals.images[turn], int(originals.labels[turn])
                with asking(line, keys_of(chosen, f"{name}-{seed}-{turn}")) as ask:
                    done = chosen.run(ask, image, label, seed=seed * 100 + turn)
                runs.append(EnforcedRun(name, seed, turn, done.success, done.queries, done.stop is Stop.REFUSED))
            watch.advance(1)
    return runs


def planned(people: Population, begin: datetime, unique: int = QUERIES) -> list[tuple[datetime, str, Images]]:
    """Return when which caller asks what, in order of time."""
    plan: list[tuple[int, str, Images]] = []
    for member in people.members:
        own = list(member.requests(unique))
        times = member.times(len(own), begin, SPAN_S).tolist()
        plan += [(at, member.principal, rows) for at, rows in zip(times, own, strict=True)]
    plan.sort(key=lambda one: one[0])
    return [(EPOCH + timedelta(microseconds=at), who, rows) for at, who, rows in plan]


async def asked(people: Population, victim: Victim, home: Workspace, unique: int = QUERIES) -> BenignCallers:
    """Let benign callers ask a guard that enforces; count what became of their requests."""

    async def model(_: Any, receive: Any, send: Any) -> None:
        rows = np.array(orjson.loads((await receive())["body"])["instances"], np.float32).reshape(-1, 64)
        said = orjson.dumps({"predictions": np.asarray(victim.predict_proba(rows), np.float64).tolist()})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": said})

    guard = Guard(home, GuardSettings(mode="enforce"), app=model)
    guard.start()
    # Ahead of the real time, so that nothing seems to be late.
    plan = planned(people, datetime.now(UTC) + timedelta(days=1), unique)
    try:
        refused = sum([await status_of(guard, who, rows, at) != 200 for at, who, rows in plan])
    finally:
        guard.close()
    rounded, waited = guard.metrics.total("rounded"), guard.metrics.total("waited")
    return BenignCallers(len(people.members), len(plan), refused, rounded, waited)


async def status_of(guard: Guard, who: str, rows: Images, at: datetime) -> int:
    """Ask a guard in process, at a simulated time; return the status of the answer."""
    body = orjson.dumps({"instances": np.asarray(rows, np.float64).reshape(-1, 8, 8).tolist()})
    got: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        got.extend([message["status"]] if "status" in message else [])

    headers = [(b"x-api-key", who.encode()), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": f"/v1/models/{MAIN}:predict", "client": ("10.0.0.1", 1)}
    await guard(scope | {"headers": headers, ARRIVED: at}, receive, send)
    return got[0]
