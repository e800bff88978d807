"""Emulated attacks on a copy of the user's model, each of a few hundred queries, and what each of them asked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from caponier.app.planting.own_model import OwnModel, Rows
from caponier.emulate.attack import Attack
from caponier.emulate.caller.oracle import Predict, RefusedError
from caponier.emulate.campaign import Campaign, CampaignStage
from caponier.emulate.campaigns import knockoff
from caponier.emulate.campaigns.active_learning import ActiveLearning
from caponier.emulate.campaigns.flood import Flood
from caponier.emulate.campaigns.jbda import Jbda
from caponier.emulate.campaigns.knockoff import Knockoff
from caponier.emulate.campaigns.model_inversion import ModelInversion
from caponier.emulate.evasion.simba import SimBA
from caponier.emulate.evasion.square import Square
from caponier.emulate.registry import attacks, campaigns, harmful_sources, probes
from caponier.emulate.victims.digits import Pool, Victim
from caponier.formats.one_thread import one_thread
from caponier.records.skip import Skip

ANY_SIZE: Final = ("boundary", "hop_skip_jump", "nes")
"""Attacks that take any row of numbers as they are."""
DIGITS: Final = (8, 8)
"""The pictures that all attacks can take."""
HELD, EXAM = 1_000, 200
"""Natural rows that whoever copies the model holds at most, and those that a copy is judged on."""
SEEDS, BATCH, CLIMBS = 50, 45, 4
FLOOD: Final = 1_500
"""Queries of a flood, few of them different."""
LEAST_SQUARE: Final = 0.8
"""Share of a picture that the first square of Square covers."""
LACKING: Final = {
    "label_only_membership": "needs the rows that the model was trained on",
    "membership_inference": "needs the rows that the model was trained on",
    "shadow_membership": "needs the rows that the model was trained on",
    "sponge": "needs a model of which it is known what a query costs",
}


QUERIES: Final = 200
"""Different queries of each attacker."""


@dataclass(frozen=True, eq=False)
class AttackRun:
    """What one attacker asked, in order, and what came of it.

    Args:
        kind: Name of the attack.
        inputs: (n, d) as they would be logged.
        scores: (n, c) as they were answered.
        success: By the attack's own measure, within its queries.
        gap_s: Mean seconds between two queries; None keeps to the pace of the log.
    """

    kind: str
    inputs: Rows
    scores: Rows
    success: bool
    gap_s: float | None = None


@dataclass(frozen=True, eq=False)
class AttackTarget:
    """What attackers are given: a model, rows (m, d) such as customers send, on the scale of attacks, and queries."""

    model: OwnModel
    natural: Rows
    queries: int


class _Tape:
    """Passes rows on to the model and remembers what was sent and answered, and whether it was turned away."""

    def __init__(self, model: OwnModel) -> None:
        self._model = model
        self.inputs: list[Rows] = []
        self.scores: list[Rows] = []
        self.refused: RefusedError | None = None

    def __call__(self, units: Rows) -> Rows:
        sent = self._model.scale.raw(units)
        try:
            scores = self._model.answer(sent)
        except RefusedError as refused:
            self.refused = refused
            raise
        self.inputs.append(sent)
        self.scores.append(scores)
        return scores


Run = Callable[[AttackTarget, Predict, int], bool]
"""Carries out one attack on a target by asking, fixed by a seed; returns whether it succeeded."""


def kinds(target: AttackTarget) -> tuple[dict[str, Run], list[Skip]]:
    """Return the attacks that can be carried out on a model, and why others cannot that could on another one."""
    found: dict[str, Run] = {}
    skipped = []
    for name, attack in attacks().items():
        if attack.accounts > 1:
            skipped.append(Skip(name, "is the work of several accounts, and each attacker here has one"))
            continue
        fitted = _fitted(name, attack, target.model)
        if isinstance(fitted, str):
            skipped.append(Skip(name, fitted))
        else:
            found[name] = partial(_attacked, fitted)
    for name in campaigns():
        if name in _CAMPAIGNS:
            found[name] = _CAMPAIGNS[name]
    return found, skipped


def never() -> list[Skip]:
    """Return the attacks that cannot be planted into any log, and why."""
    told = [Skip(name, LACKING.get(name, "is made for a model of its own")) for name in campaigns()]
    probing = [Skip(name, "asks more of a server than predictions") for name in probes()]
    teaching = [Skip(name, "needs a model that learns from what it is told") for name in harmful_sources()]
    return [skip for skip in told if skip.what not in _CAMPAIGNS] + probing + teaching


def carry_out(kind: str, run: Run, target: AttackTarget, seed: int) -> AttackRun:
    """Carry out one attack.

    Raises:
        RefusedError: If the model turned the attacker away: cut short, it would be an attack of another kind.
    """
    tape = _Tape(target.model)
    # Matrices this small only lose by being shared among cores.
    with one_thread():
        success = run(target, tape, seed)
    if tape.refused:
        raise tape.refused
    gap_s = Flood.gap_s if kind == Flood.name else None
    return AttackRun(kind, np.concatenate(tape.inputs), np.concatenate(tape.scores), success, gap_s)


def _fitted(name: str, attack: Attack, model: OwnModel) -> Attack | str:
    """Return an attack in the size of a model's input, or why there is none."""
    picture, size = model.scale.picture, model.scale.knots.shape[1]
    if name == "simba":
        return SimBA(shape=picture or (1, size, 1))
    if name == "square":
        if picture is None:
            return "needs images"
        height, width, _ = picture
        fits = round((LEAST_SQUARE * height * width) ** 0.5) < min(height, width)
        return Square(shape=picture) if fits else "needs images that are about as wide as they are high"
    if name in ANY_SIZE or model.scale.shape == DIGITS:
        return attack
    return "needs images" if picture is None else "is made for images of 8 x 8"


def _attacked(attack: Attack, target: AttackTarget, ask: Predict, seed: int) -> bool:
    rng = np.random.default_rng(seed)
    original = target.natural[rng.integers(len(target.natural))]
    label = int(target.model.predict(original[None]).argmax())
    return attack.run(ask, original, label, seed=seed, budget=target.queries).success


def _copied(
    campaign: Campaign, held: Rows, exam: Rows, target: AttackTarget, ask: Predict, seed: int, budget: int | None = None
) -> bool:
    """Carry out a campaign with some rows in hand, within its queries; a copy is judged on others."""
    answers = target.model.predict(np.concatenate([held, exam])).argmax(axis=1)
    pool = Pool(held, answers[: len(held)])
    examined = Pool(exam, answers[len(held) :])
    victim = Victim("mlp", target.model.predict, 1.0)
    stage = CampaignStage(victim, examined, pool, np.zeros(len(held), bool), examined)
    return campaign.run(ask, stage, seed=seed, budget=budget or target.queries).success


def _dealt(target: AttackTarget, seed: int, most: int) -> tuple[Rows, Rows]:
    """Deal natural rows out to an attacker and to the judge, at random."""
    order = np.random.default_rng(seed).permutation(len(target.natural))
    exam = min(EXAM, len(order) // 3)
    return target.natural[order[exam : exam + most]], target.natural[order[:exam]]


def _jbda(target: AttackTarget, ask: Predict, seed: int) -> bool:
    return _copied(Jbda(seeds=SEEDS), *_dealt(target, seed, SEEDS), target, ask, seed)


def _active_learning(target: AttackTarget, ask: Predict, seed: int) -> bool:
    return _copied(ActiveLearning(batch=BATCH, queries=target.queries), *_dealt(target, seed, HELD), target, ask, seed)


def _natural_extraction(target: AttackTarget, ask: Predict, seed: int) -> bool:
    return _copied(Knockoff(agreement=0.8), *_dealt(target, seed, target.queries), target, ask, seed)


def _knockoff(target: AttackTarget, ask: Predict, seed: int) -> bool:
    _, exam = _dealt(target, seed, 0)
    return _copied(Knockoff(), _strange(target, seed), exam, target, ask, seed)


def _model_inversion(target: AttackTarget, ask: Predict, seed: int) -> bool:
    _, exam = _dealt(target, seed, 0)
    noise = np.random.default_rng(seed).random((CLIMBS, exam.shape[1]), dtype=np.float32)
    campaign = ModelInversion(climbs=CLIMBS, shape=target.model.scale.shape, classes=target.model.classes)
    return _copied(campaign, noise, exam, target, ask, seed)


def _flood(target: AttackTarget, ask: Predict, seed: int) -> bool:
    return _copied(Flood(), *_dealt(target, seed, Flood.images), target, ask, seed, FLOOD)


def _strange(target: AttackTarget, seed: int) -> Rows:
    """Make rows (queries, d) such as somebody has who has none of the kind that the model is for."""
    rng, n, size = np.random.default_rng(seed), target.queries, target.natural.shape[1]
    if target.model.scale.shape == DIGITS:
        third = -(-n // 3)
        made = [knockoff.cuttings(third, rng), knockoff.letters(third, rng), knockoff.noise(third, rng)]
    elif target.model.scale.picture:
        made = [rng.random((n - n // 2, size), dtype=np.float32), np.stack(list(_patterns(target, n // 2, rng)))]
    else:
        # Each number is one that occurs, and no two of them belong together.
        rows = rng.integers(len(target.natural), size=(n - n // 2, size))
        made = [rng.random((n // 2, size), dtype=np.float32), target.natural[rows, np.arange(size)]]
    mixed = np.concatenate(made)
    return mixed[rng.permutation(len(mixed))[:n]]


def _patterns(target: AttackTarget, n: int, rng: np.random.Generator) -> Iterator[Rows]:
    """Draw coarse patterns: blocks of random grey, an eighth of the picture wide."""
    height, width, channels = target.model.scale.picture or (1, 1, 1)
    for _ in range(n):
        coarse = rng.random((8, 8, channels), dtype=np.float32)
        rows, columns = np.arange(height) * 8 // height, np.arange(width) * 8 // width
        yield coarse[rows][:, columns].ravel()


_CAMPAIGNS: Final[dict[str, Run]] = {
    "active_learning": _active_learning,
    "flood": _flood,
    "jbda": _jbda,
    "knockoff": _knockoff,
    "model_inversion": _model_inversion,
    "natural_extraction": _natural_extraction,
}
