"""Whoever writes a new name into each query, where something else lets him in, is found all the same."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from app.guard.guarded import workspace_in
from app.guard.test_run import BLOCK_ONLY
from caponier.app.guard.made_up_names import LONG_S
from caponier.app.guard.newcomers import MANY
from caponier.app.guard.run import Guard
from caponier.app.incidents.findings import list_findings
from caponier.app.inference.scan import scan_inference
from caponier.app.respond.respond import list_actions
from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.evasion.hop_skip_jump import HopSkipJump
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.guard.settings import GuardSettings
from caponier.records.inventory import Workspace
from conftest import World

HERE, THERE = "203.0.113.7", "198.51.100.1"
FOUND = 20
"""Queries within which an address is found that asks as one; by chance it is more or fewer."""
BUDGET = 200
UNDETERRED = 40
"""Refusals in a row after which an attacker gives up."""


@pytest.fixture
def workspace(world: World, tmp_path: Path) -> Workspace:
    made = workspace_in(tmp_path / "ws", world)
    (made.root / "block.yaml").write_text(BLOCK_ONLY)
    return made.model_copy(update={"respond": {"playbooks": ["block.yaml"], "shipped_playbook": False}})


class Line:
    """A guard that enforces, in this process, before a model that answers every name."""

    def __init__(self, workspace: Workspace, victim: Victim, **settings: Any) -> None:
        async def model(_: Any, receive: Any, send: Any) -> None:
            rows = np.array(orjson.loads((await receive())["body"])["instances"], np.float32).reshape(-1, 64)
            said = orjson.dumps({"predictions": np.asarray(victim.predict_proba(rows), np.float64).tolist()})
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": said})

        # Each answer waits until detection has looked at it: what is found when is no matter of the machine's load.
        waits = {"judge_within": 10.0, "judge_doubted": 10.0}
        self.guard = Guard(workspace, GuardSettings(**{"mode": "enforce", **waits, **settings}), app=model)
        # It was seen to turn a made-up key away: that came without the cookie to which it looks.
        self.guard.work.callers.checks_keys = True
        self.loop, self.answers = asyncio.new_event_loop(), list[Any]()

    def ask(self, name: str | None, row: Images, address: str = HERE, *more: tuple[bytes, bytes]) -> int:
        body = orjson.dumps({"instances": np.asarray(row, np.float64).reshape(1, 8, 8).tolist()})
        status, said = 0, b""

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            nonlocal status, said
            status, said = message.get("status", status), said + message.get("body", b"")

        named = [] if name is None else [(b"authorization", f"Bearer {name}".encode())]
        headers = [*named, *more, (b"cookie", b"session=real"), (b"content-length", str(len(body)).encode())]
        scope = {"type": "http", "method": "POST", "path": "/v1/models/digits:predict", "headers": headers}
        self.loop.run_until_complete(self.guard(scope | {"client": (address, 1)}, receive, send))
        if status == 200:
            self.answers.append(orjson.loads(said)["predictions"][0])
        return status

    def attack(self, digits: tuple[DigitsSplit, Victim], ask: Callable[[int, Images], int]) -> int:
        """Search for an adversarial example, undeterred; return how many answers there were until that was stopped."""
        before, queries = len(self.answers), itertools.count()

        def probabilities(rows: Images) -> Images:
            for row in rows:
                # Whoever is refused under one name goes on under others.
                if all(ask(n, row) != 200 for n in itertools.islice(queries, UNDETERRED)):
                    raise RefusedError("refused")
            return np.array(self.answers[-len(rows) :], np.float32)

        prey = digits[1].understood(digits[0].attackers)
        with suppress(RefusedError):
            HopSkipJump().run(probabilities, prey.images[0], int(prey.labels[0]), seed=0, budget=BUDGET)
        return len(self.answers) - before


@contextmanager
def line(workspace: Workspace, victim: Victim, **settings: Any) -> Iterator[Line]:
    one = Line(workspace, victim, **settings)
    one.guard.start()
    try:
        yield one
    finally:
        one.guard.close()
        one.loop.close()


@pytest.mark.parametrize("each", [1, 3])
def test_new_names_gain_no_more_than_an_address_may_bring_in(
    workspace: Workspace, digits: tuple[DigitsSplit, Victim], each: int
) -> None:
    with line(workspace, digits[1]) as one:
        customers = [f"customer-{n}" for n in range(3)]
        rows = digits[0].test.images
        assert {one.ask(name, rows[n]) for n, name in enumerate(customers)} == {200}
        got = one.attack(digits, lambda n, row: one.ask(f"made-up-{n // each}", row))
        assert got <= (MANY - len(customers)) * each + FOUND
        # Who was there before goes on, and so does whoever comes from elsewhere.
        assert {one.ask(name, rows[n]) for n, name in enumerate(customers)} == {200}
        assert one.ask("made-up-999", rows[0], THERE) == 200
        # Whoever comes new there now is not told from the attacker.
        assert one.ask("made-up-1000", rows[0]) == 429
    # A scan of the log finds just that.
    found, scanned = list_findings(workspace), scan_inference([Path(workspace.lake)], workspace=workspace).findings
    assert found
    assert {one.finding_id for one in scanned} == {one.finding_id for one in found}
    assert f"address {HERE} from callers without a principal" in {
        action.scope.in_words for action in list_actions(workspace)
    }


def test_names_that_each_had_time_gain_no_more(workspace: Workspace, digits: tuple[DigitsSplit, Victim]) -> None:
    with line(workspace, digits[1]) as one:
        # Ten an hour, each for one query: none of them is among too many.
        hours = 0.0
        one.guard._newcomers._steady = lambda: hours * LONG_S

        def ask(n: int, row: Images) -> int:
            nonlocal hours
            hours = n / MANY
            return one.ask(f"made-up-{n}", row)

        assert one.attack(digits, ask) <= MANY + 2 * FOUND
    assert "distributed_query" in {finding.detector for finding in list_findings(workspace)}


def test_a_forwarded_address_brings_in_no_more(workspace: Workspace, digits: tuple[DigitsSplit, Victim]) -> None:
    with line(workspace, digits[1]) as one:

        def ask(n: int, row: Images) -> int:
            return one.ask(f"made-up-{n}", row, HERE, (b"x-forwarded-for", f"192.0.2.{n % 250}".encode()))

        assert one.attack(digits, ask) <= MANY + FOUND


def recorded(workspace: Workspace) -> list[Any]:
    """Return the names in the guard's log."""
    files = sorted(Path(workspace.lake).rglob("*.jsonl"))
    return [orjson.loads(line).get("principal") for file in files for line in file.read_bytes().splitlines()]


def test_one_that_enforces_goes_by_the_names_that_an_observing_one_recorded(
    workspace: Workspace, digits: tuple[DigitsSplit, Victim]
) -> None:
    rows, customers = digits[0].test.images, [f"customer-{n}" for n in range(2 * MANY)]
    with line(workspace, digits[1], mode="observe") as one:
        assert {one.ask(name, rows[n]) for n, name in enumerate(customers)} == {200}
    assert len(set(recorded(workspace))) == 2 * MANY
    with line(workspace, digits[1]) as one:
        assert {one.ask(name, rows[n]) for n, name in enumerate(customers)} == {200}
    assert len(set(recorded(workspace))) == 2 * MANY
    assert None not in recorded(workspace)
