"""What an attacker gets of a guard that enforces, and what benign callers lose by it.

Attacks go over HTTP, without a pause, each with a key of its own against an image of its own: all of them were found
after the fact, and what counts here is whether the image was misread before the guard refused. Benign callers ask in
process at their own pace: their requests carry simulated times, in order. The playbook is the one that ships; the limit
on automatic responses is raised, since there are more attackers here than benign callers.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import orjson
from threadpoolctl import threadpool_limits

from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.guard.run import Guard, guarding
from caponier.app.validate.lab.attack_line import Recorded, open_line
from caponier.app.validate.lab.proving_ground import MAIN, TEST_SEED_OFFSET, ProvingGround, Scale, Target
from caponier.emulate.images import Images
from caponier.emulate.outcome import Stop
from caponier.emulate.registry import attacks
from caponier.emulate.simulation.population import Population, assemble
from caponier.emulate.victims.digits import Victim
from caponier.guard import middleware
from caponier.guard.settings import GuardSettings
from caponier.records.inventory import Workspace

HELD: Final = ("hop_skip_jump", "boundary", "simba")
BESIDE: Final = ("square", "nes", "adaptive")
"""Without a goal: they ask less like an attacker, or for longer."""
EACH: Final = 31
"""Targets of each attack in a world; of those beside them a third."""
QUERIES: Final = 200
SPAN_S: Final = 7 * 86_400.0
WIDE: Final = {"limit": 1.0, "limit_least": 1_000_000}


def run(quick: bool) -> Scorecard:
    """Attack and ask in three worlds; quickly in one, with fewer targets and callers."""
    seeds, each, users = ((1,), 8, 17) if quick else ((1, 2, 3), EACH, 51)
    table: list[dict[str, Any]] = []
    benign: Counter[str] = Counter()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
            say(f"world {seed}: a baseline")
            ground = ProvingGround(Path(folder), seed, Scale())
            target = ground.target(MAIN, ground.victim, ground.split.train.images)
            home = ground.home(target).model_copy(update={"respond": WIDE})
            table += _attacked(ground, target, home, seed, each)
            say(f"world {seed}: {users} benign callers")
            people = assemble(ground.split.test.images, users, seed + TEST_SEED_OFFSET)
            benign += asyncio.run(_asked(people, target.victim, home))
    figures: dict[str, Any] = {}
    for name in (*HELD, *BESIDE):
        mine = [row for row in table if row["attack"] == name]
        figures[f"{name}_targets"] = len(mine)
        figures[f"{name}_success"] = round(sum(row["success"] for row in mine) / len(mine), 4)
        refused = [row["answers"] for row in mine if row["refused"]]
        figures[f"{name}_answers_before_refusal"] = median(refused) if refused else None
    figures |= {f"benign_{what}": benign[what] for what in ("callers", "requests", "refused", "rounded", "waited")}
    goals = [Goal(f"{name}_success", 0.05, at_least=False) for name in HELD]
    about = (
        "caponier guard in enforce mode with the playbook that ships, before scikit-learn's digits; a baseline of "
        f"{Scale().users} benign callers in each of {len(seeds)} worlds. Success is an image that is misread, by the "
        "attack's own measure, before the guard refuses. Benign callers have every habit that there is, at their own "
        f"pace within a week, {QUERIES} different queries each."
    )
    rows = [row | {"success": int(row["success"]), "refused": int(row["refused"])} for row in table]
    return Scorecard("enforced", about, figures, (*goals, Goal("benign_refused", 0, at_least=False)), seeds, rows)


def _attacked(ground: ProvingGround, target: Target, home: Workspace, seed: int, each: int) -> list[dict[str, Any]]:
    @contextmanager
    def enforcing(url: str) -> Iterator[Recorded]:
        settings = GuardSettings(upstream=url, port=0, mode="enforce")
        with guarding(Guard(home, settings)) as standing:
            yield Recorded(standing.url, lambda: None)  # type: ignore[arg-type, return-value]

    rows: list[dict[str, Any]] = []
    originals = target.victim.understood(ground.split.attackers)
    with open_line(target.victim.predict_proba, target.deployment, ground.salt, enforcing) as line:
        for name in (*HELD, *BESIDE):
            say(f"world {seed}: {name}")
            for turn in range(each if name in HELD else -(-each // 3)):
                image, label = originals.images[turn], int(originals.labels[turn])
                with line.enter(f"{name}-{seed}-{turn}") as remote:
                    done = attacks()[name].run(remote.predict_proba, image, label, seed=seed * 100 + turn)
                told = {"attack": name, "world": seed, "turn": turn, "success": done.success, "answers": done.queries}
                rows.append(told | {"refused": done.stop is Stop.REFUSED})
    return rows


class _Clock(datetime):
    """The time at which a simulated caller asks; ahead of the real one, so that nothing of it seems to be late."""

    at = datetime.now(UTC)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        """Return it."""
        return cls.at.astimezone(tz)


@contextmanager
def _simulated() -> Iterator[None]:
    real = middleware.datetime
    middleware.datetime = _Clock  # type: ignore[misc]
    try:
        yield
    finally:
        middleware.datetime = real  # type: ignore[misc]


def planned(people: Population, begin: datetime, unique: int = QUERIES) -> list[tuple[datetime, str, Images]]:
    """Return when which caller asks what, in order of time."""
    plan: list[tuple[int, str, Images]] = []
    for member in people.members:
        asked = list(member.requests(unique))
        times = member.times(len(asked), begin, SPAN_S).tolist()
        plan += [(at, member.principal, rows) for at, rows in zip(times, asked, strict=True)]
    plan.sort(key=lambda one: one[0])
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return [(epoch + timedelta(microseconds=at), who, rows) for at, who, rows in plan]


async def _asked(people: Population, victim: Victim, home: Workspace, unique: int = QUERIES) -> Counter[str]:
    """Let benign callers ask a guard that enforces; count what became of their requests."""

    async def model(_: Any, receive: Any, send: Any) -> None:
        rows = np.array(orjson.loads((await receive())["body"])["instances"], np.float32).reshape(-1, 64)
        said = orjson.dumps({"predictions": np.asarray(victim.predict_proba(rows), np.float64).tolist()})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": said})

    guard = Guard(home, GuardSettings(mode="enforce"), app=model)
    guard.start()
    statuses: Counter[int] = Counter()
    try:
        with _simulated():
            for at, who, rows in planned(people, datetime.now(UTC) + timedelta(days=1), unique):
                _Clock.at = at
                statuses[await _status(guard, who, rows)] += 1
    finally:
        guard.close()
    counted = {name: guard.metrics.total(name) for name in ("rounded", "waited")}
    n = statuses.total()
    return Counter({"callers": len(people.members), "requests": n, "refused": n - statuses[200], **counted})


async def _status(guard: Guard, who: str, rows: Images) -> int:
    body = orjson.dumps({"instances": np.asarray(rows, np.float64).reshape(-1, 8, 8).tolist()})
    got: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        got.extend([message["status"]] if "status" in message else [])

    scope = {"type": "http", "method": "POST", "path": f"/v1/models/{MAIN}:predict", "client": ("10.0.0.1", 1)}
    headers = [(b"x-api-key", who.encode()), (b"content-length", str(len(body)).encode())]
    await guard(scope | {"headers": headers}, receive, send)
    return got[0]
