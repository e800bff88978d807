"""One attacker, and its campaign: a caller who wants some adversarial examples, whatever they cost in queries."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery.attackers.covers import Cover, Sent
from bench.machinery.attackers.orders import Order
from bench.machinery.attackers.search import Ground, Step, searched
from bench.worlds.traffic import Calls, Part, part

GOAL: Final = 20
"""Adversarial examples that make a campaign."""
ONE: Final = Order()
LEAST: Final = 10
"""With fewer an attacker has failed by itself: there is nothing to detect."""


@dataclass(frozen=True, eq=False)
class Attacker:
    """How one attacks.

    Args:
        name: What it is called.
        step: How it goes on from what it has.
        order: In which order it takes inputs.
        covers: What it sends besides, in this order.
        rhythm: When it sends: see `bench.worlds.traffic.times`.
        inputs: Inputs that it has.
        most: Queries around one after which it gives that up.
    """

    name: str
    step: Step
    order: Order = ONE
    covers: tuple[Cover, ...] = ()
    rhythm: str = "visits"
    inputs: int = 60
    most: int = 120


@dataclass(frozen=True, eq=False)
class Campaign:
    """What came of it without any defence."""

    attacker: Attacker
    part: Part
    own: int
    """Queries of the attack itself."""
    wins: NDArray[np.int64]
    """Events, from 0, with which each adversarial example was there."""

    def before(self, events: int | None) -> int:
        """Count the examples that were there after so many events; all of them where nobody stopped it."""
        return len(self.wins) if events is None else int((self.wins < events).sum())


def campaign(attacker: Attacker, ground: Ground, days: float, since: float, rng: np.random.Generator) -> Campaign:
    """Carry out an attack, until there are `GOAL` examples.

    Raises:
        RuntimeError: If it does not even come by `LEAST`.
    """
    trails = searched(ground, attacker.step, max(attacker.inputs, attacker.order.inputs), attacker.most, rng)
    which, at = attacker.order.of([len(one.rows) for one in trails], rng)
    wins = np.array(
        [trails[one].won and place == len(trails[one].rows) - 1 for one, place in zip(which, at, strict=True)]
    )
    if wins.sum() < LEAST:
        raise RuntimeError(f"{attacker.name} fails against {ground.victim.name}: {int(wins.sum())} examples")
    upto = int(np.flatnonzero(wins)[:GOAL][-1]) + 1
    which, at, wins = which[:upto], at[:upto], wins[:upto]
    rows = np.stack([trails[one].rows[place] for one, place in zip(which, at, strict=True)])
    scores = np.stack([trails[one].scores[place] for one, place in zip(which, at, strict=True)])
    sent, own = Sent(rows, at == 0), np.arange(upto)
    for cover in attacker.covers:
        extra, where = cover.beside(ground, sent, rng)
        order = np.argsort(np.concatenate([2 * np.arange(len(sent.rows)) + 1, 2 * where]), kind="stable")
        merged = np.concatenate([sent.rows, extra])[order]
        scores = np.concatenate([scores, ground.ask(extra)])[order]
        own = np.argsort(order)[own]
        sent = Sent(merged, np.concatenate([sent.begins, np.zeros(len(extra), bool)])[order])
    calls = Calls(ground.up(sent.rows), attacker.rhythm)
    done = part(calls, days, since, rng, scores=scores)
    done = replace(done, principal=f"{attacker.name}-{done.principal}")
    return Campaign(attacker, done, upto, own[wins])
