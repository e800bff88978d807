"""A validation behind a guard that enforces: who asks when, and that whoever attacks among them is refused."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson
import pytest

from app.guard.test_run import BLOCK_ONLY
from caponier.app.guard.run import Guard
from caponier.app.validate import enforced
from caponier.app.validate.lab.proving_ground import MAIN, Scale
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.emulate.images import Images
from caponier.emulate.registry import attacks
from caponier.emulate.simulation.population import assemble
from caponier.errors import InputError
from caponier.guard.settings import GuardSettings
from caponier.records.inventory import Workspace

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
MODEL = f"""
[respond]
playbooks = ["block.yaml"]
shipped_playbook = false
[[model]]
name = "{MAIN}"
features = {{kind = "image", shape = [8, 8], minimum = 0.0, maximum = 1.0}}
"""
BENIGN = enforced.BenignCallers(2, 10, 1, 2, 0)


class Stub:
    """Answers two classes, and keeps what it was asked."""

    asked: ClassVar[list[Images]] = []

    def predict_proba(self, rows: Images) -> Any:
        self.asked.append(rows)
        high = (rows.mean(axis=1) * 997) % 1
        return np.stack([high, 1 - high], axis=1)


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    (tmp_path / "block.yaml").write_text(BLOCK_ONLY)
    with (tmp_path / "caponier.toml").open("a") as file:
        file.write(MODEL)
    return require_workspace(tmp_path)


@pytest.fixture
def images() -> Images:
    return np.random.default_rng(0).random((30, 64)).astype(np.float32)


def test_requests_come_in_order_of_time_within_the_span(images: Images) -> None:
    people = assemble(images, 4, 1)
    plan = enforced.planned(people, BEGIN, 5)
    moments = [at for at, _, _ in plan]
    assert moments == sorted(moments)
    assert BEGIN <= moments[0] < moments[-1] <= BEGIN + timedelta(seconds=enforced.SPAN_S)
    assert {who for _, who, _ in plan} == {member.principal for member in people.members}
    first = people.members[0]
    mine = [rows for _, who, rows in plan if who == first.principal]
    assert all((one == other).all() for one, other in zip(mine, first.requests(5), strict=True))


def test_every_request_of_benign_callers_is_asked_and_counted(home: Workspace, images: Images) -> None:
    people, victim = assemble(images, 3, 1), Stub()
    n = len(enforced.planned(people, BEGIN, 4))
    victim.asked.clear()
    counted = asyncio.run(enforced.asked(people, victim, home, 4))  # type: ignore[arg-type]
    assert (counted.callers, counted.requests, counted.refused) == (3, n, 0)
    assert len(victim.asked) == n


def test_whoever_attacks_where_they_ask_is_refused(home: Workspace, images: Images) -> None:
    guard = Guard(home, GuardSettings(mode="enforce"), app=_near_the_boundary)
    guard.start()
    statuses = []

    async def attack() -> None:
        rng = np.random.default_rng(1)
        for step in range(60):
            near = images[:1] + rng.normal(0, 0.002, (1, 64)).astype(np.float32)
            statuses.append(await enforced.status_of(guard, "eve", near, BEGIN + timedelta(seconds=step)))

    asyncio.run(attack())
    guard.close()
    assert statuses[0] == 200
    assert statuses[-1] == 429, "what benign callers are not is seen on this way"


async def _near_the_boundary(_: Any, receive: Any, send: Any) -> None:
    first = orjson.loads((await receive())["body"])["instances"][0][0][0]
    said = orjson.dumps({"predictions": [[0.9, 0.1] if first * 1_000 % 2 < 1 else [0.1, 0.9]]})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": said})


def test_attacks_of_a_kind_are_counted_together() -> None:
    runs = tuple(
        enforced.EnforcedRun("nes", 0, turn, success=turn == 0, answers=10 * turn, refused=turn > 0)
        for turn in range(4)
    )
    found = enforced.EnforcedReport((*runs, enforced.EnforcedRun("boundary", 0, 0, True, 9, False)), BENIGN)
    first, second = found.attacks
    assert (first.name, first.targets, first.succeeded, first.refused, first.answers) == ("nes", 4, 1, 3, 20)
    assert first.success == 0.25
    assert (second.name, second.success, second.answers) == ("boundary", 1.0, None)


def test_benign_callers_of_all_worlds_are_added_up() -> None:
    assert enforced.BenignCallers(4, 20, 2, 4, 0) == BENIGN + BENIGN


def test_only_attacks_on_single_images_are_carried_out() -> None:
    assert set(enforced.turns_of(())) == set(attacks())
    assert enforced.turns_of(("simba",), 3) == {"simba": 3}
    with pytest.raises(InputError, match="no attack on a single image 'simbad'"):
        enforced.turns_of(("simbad",))


@pytest.mark.slow
def test_attackers_are_refused_where_benign_callers_are_not() -> None:
    small = Scale(seeds=(0,), users=60, queries=40)
    found = enforced.validate_enforced({"simba": 1}, scale=small, users=2)
    assert [(one.name, one.targets, one.succeeded, one.refused) for one in found.attacks] == [("simba", 1, 0, 1)]
    assert found.benign.callers == 2
    assert found.benign.requests > 40
    assert found.benign.refused == 0
