"""Benign users and attackers of one model, as everybody gets them who is to tell them apart.

The attackers are remembered with a way to attack again, refused after so many requests.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.machinery import traffic
from bench.machinery.refusal import Refusing
from caponier.emulate.attack import Attack
from caponier.emulate.campaign import Campaign, CampaignStage
from caponier.emulate.controls.clients.owner_of_records import RECORDS
from caponier.emulate.disguises.padding import Natural
from caponier.emulate.evasion.adaptive import Adaptive
from caponier.emulate.evasion.boundary import Boundary
from caponier.emulate.evasion.hop_skip_jump import HopSkipJump
from caponier.emulate.evasion.simba import SimBA
from caponier.emulate.images import Images, shots
from caponier.emulate.registry import attacks, campaigns
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.trace import Disguise, trace, trace_campaign
from caponier.emulate.victims.digits import SHOTS_AN_IMAGE, DigitsSplit, Pool, Victim, load_digits_split, train_victim
from caponier.records.inventory import FeatureSpec

SPEC: Final = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
VICTIMS: Final = ("mlp", "boosted")
ROUNDS, DEPTH, LOT = 60, 4, 1_000
"""Of boosting: 60 trees for each of ten classes, their depth, and rows that are answered at a time."""
WHITE_BOX: Final = ("pasted_patch",)
"""Attacks that ask a model at hand many thousand times beforehand: on the first of the victims alone."""
MOST: Final = 1_000
"""Queries of an attacker that has no end of its own."""
LEARNED: Final = 300
OWN: Final = 20
"""Pictures at the end of the attackers' pool that are not attacked: what adaptive ones have of their own."""


@dataclass(frozen=True, eq=False)
class Queries:
    """What callers asked, in order of time; exact repeats by the same caller are left out, as no new evidence.

    Args:
        who: Names, shape (n,).
        inputs: Rows, shape (n, d), values in 0..1.
        labels: The model's answers, shape (n,).
        times: Microseconds since the epoch, shape (n,).
        requests: How many requests the caller had sent by then, repeats and this one included, shape (n,).
    """

    who: NDArray[np.str_]
    inputs: NDArray[np.float32]
    labels: NDArray[np.int64]
    times: NDArray[np.int64]
    requests: NDArray[np.int64]

    @classmethod
    def of(cls, events: pa.Table) -> Self:
        """Take them from events."""
        events = events.sort_by([("time", "ascending"), ("seq", "ascending")])
        who = np.array(events["principal"].to_pylist())
        inputs = np.asarray(events["input"].combine_chunks().flatten(), np.float32).reshape(len(who), -1)
        labels = np.array(events["label"].to_pylist()).astype(np.int64)
        sent: dict[str, int] = {}
        seen: set[tuple[str, bytes]] = set()
        new, requests = np.zeros(len(who), bool), np.zeros(len(who), np.int64)
        for at, (name, row) in enumerate(zip(who.tolist(), inputs, strict=True)):
            requests[at] = sent[name] = sent.get(name, 0) + 1
            key = (name, row.tobytes())
            new[at] = key not in seen
            seen.add(key)
        times = events["time"].cast(pa.int64()).to_numpy()
        return cls(who[new], inputs[new], labels[new], times[new], requests[new])

    def __len__(self) -> int:
        return len(self.who)

    def take(self, rows: NDArray[Any]) -> Self:
        """Return some of them, by places or by a mask."""
        return type(self)(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def callers(self) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Yield each caller with the places of what that caller asked, in order."""
        order = np.argsort(self.who, kind="stable")
        names, begins = np.unique(self.who[order], return_index=True)
        yield from zip(names.tolist(), np.split(order, begins[1:]), strict=True)


@dataclass(frozen=True)
class Outcome:
    """What became of an attack.

    Args:
        success: By its own measure.
        agreement: Of the copy with the model on held-out images; None if it makes none.
    """

    success: bool
    agreement: float | None = None


@dataclass(frozen=True, eq=False)
class Attacker:
    """One attacker, who was not stopped.

    Args:
        kind: How it attacks.
        principal: Its name in the log.
        adaptive: Whether it was made to get past what is published here.
        free: What became of it.
        events: What it left.
        again: Attacks again, and is refused after so many requests.
    """

    kind: str
    principal: str
    adaptive: bool
    free: Outcome
    events: pa.Table
    again: Callable[[int], Outcome]

    @cached_property
    def different(self) -> int:
        """Different queries that it sent."""
        return len(Queries.of(self.events))


@dataclass(frozen=True, eq=False)
class Streams:
    """One model and its log.

    Args:
        victim: Name of the model's kind.
        seed: Of everything.
        training: Rows that models were trained on, for the baseline's sketch.
        benign: Events of users to learn from.
        users: Events of other users.
        attackers: Those who attack beside them.
        spec: What the model takes.
    """

    victim: str
    seed: int
    training: Images
    benign: pa.Table
    users: pa.Table
    attackers: list[Attacker]
    spec: FeatureSpec = SPEC


def streams(kind: str, seed: int, users: int, each: int) -> Streams:
    """Make the log of one model.

    Args:
        kind: One of `VICTIMS`.
        seed: Fixes everything.
        users: Benign users beside those to learn from.
        each: Attackers of each kind.
    """
    split = load_digits_split(seed)
    victim = boosted(split, seed) if kind == "boosted" else train_victim(split.train, split.test, seed)
    others = simulate(assemble(split.test.images, users, seed + 1_000), victim.predict_proba, traffic.UNIQUE)
    # What customers own of the training set are the first images of their pools.
    training = [split.train.images, split.calibration.images[:RECORDS], split.test.images[:RECORDS]]
    left: list[Attacker] = list(_on_images(victim, split, seed, each))
    for stage, attacker in _on_models(victim, split, seed, each, kind == VICTIMS[0]):
        training.append(stage.training.images)
        left.append(attacker)
    benign = traffic.calibration(split, victim, seed, LEARNED)
    return Streams(kind, seed, np.concatenate(training), benign, others, left)


def boosted(split: DigitsSplit, seed: int) -> Victim:
    """Train boosted trees on the same photos as the other victims: their answers move in steps, without a slope."""
    from sklearn.ensemble import GradientBoostingClassifier

    rng = np.random.default_rng(seed)
    photos = shots(np.tile(split.train.images, (SHOTS_AN_IMAGE, 1)), rng, shift_share=0.5)
    model = GradientBoostingClassifier(
        n_estimators=ROUNDS, learning_rate=0.2, max_depth=DEPTH, max_features=8, random_state=seed
    )
    model.fit(photos, np.tile(split.train.labels, SHOTS_AN_IMAGE))
    predict_proba = forward(model)
    right = predict_proba(shots(split.test.images, rng)).argmax(axis=1) == split.test.labels
    return Victim("forest", predict_proba, float(right.mean()))


def forward(model: Any) -> Callable[[Images], Images]:
    """Return the scores of boosted trees, all trees at once: scikit-learn spends milliseconds on a single row."""
    trees = [tree.tree_ for tree in model.estimators_.ravel()]
    most = max(tree.node_count for tree in trees)

    def table(name: str) -> NDArray[Any]:
        return np.stack([np.resize(getattr(tree, name).ravel(), most) for tree in trees])

    # A leaf sends a row to itself, so that every row can be sent down as often as the deepest tree needs.
    left, right = (
        np.where(table(name) < 0, np.arange(most), table(name)) for name in ("children_left", "children_right")
    )
    feature, cut, value = np.maximum(table("feature"), 0), table("threshold"), model.learning_rate * table("value")
    at, classes, begin = np.arange(len(trees)), model.n_classes_, np.log(model.init_.class_prior_)

    def lot(rows: Images) -> Images:
        node = np.zeros((len(rows), len(trees)), np.int64)
        for _ in range(model.max_depth):
            below = np.take_along_axis(rows, feature[at, node], axis=1) <= cut[at, node]
            node = np.where(below, left[at, node], right[at, node])
        raw = begin + value[at, node].reshape(len(rows), -1, classes).sum(axis=1)
        odds = np.exp(raw - raw.max(axis=1, keepdims=True))
        return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)

    return lambda rows: np.concatenate([lot(rows[begun : begun + LOT]) for begun in range(0, max(1, len(rows)), LOT)])


@dataclass(frozen=True, eq=False)
class _Way:
    """One way to attack an image."""

    kind: str
    attack: Attack
    adaptive: bool = False
    picture: bool = False
    """Whether it starts from a picture of another class."""
    disguise: Disguise | None = None


def _ways(own: Images) -> Iterator[_Way]:
    """Yield the attacks on images as they are published, then those of somebody who has read what is missed."""
    for name, attack in attacks().items():
        # A stream is what one account asks.
        if name != Adaptive.name and attack.accounts == 1:
            yield _Way(name, attack)
    yield _Way("adaptive", Adaptive(pictures=own), adaptive=True, picture=True)
    yield _Way("boundary from a picture", Boundary(), adaptive=True, picture=True)
    yield _Way("simba in waves", SimBA(basis="dct"), adaptive=True)
    mixed = partial(Natural, images=own, seed=0)
    yield _Way("hop_skip_jump among photos", HopSkipJump(), adaptive=True, disguise=mixed)


def _on_images(victim: Victim, split: DigitsSplit, seed: int, each: int) -> Iterator[Attacker]:
    known = victim.understood(split.attackers)
    originals, own = Pool(known.images[:-OWN], known.labels[:-OWN]), known.images[-OWN:]
    for way in _ways(own):
        for turn in range(each):
            yield _on_image(way, victim, originals, turn, seed * 100 + turn)


def _on_image(way: _Way, victim: Victim, originals: Pool, turn: int, number: int) -> Attacker:
    who, label = f"attacker-{way.kind.replace(' ', '_')}-{turn}", int(originals.labels[turn])
    start = originals.images[originals.labels != label][turn] if way.picture else None
    budget = MOST if isinstance(way.attack, Adaptive) else None

    def attack(predict: Callable[[Any], Any]) -> Any:
        return trace(
            way.attack, predict, originals.images[turn], label,
            seed=number, principal=who, budget=budget, start=start, disguise=way.disguise,
        )  # fmt: skip

    def again(most: int) -> Outcome:
        return Outcome(attack(Refusing(victim.predict_proba, most)).outcome.success)

    done = attack(victim.predict_proba)
    return Attacker(way.kind, who, way.adaptive, Outcome(done.outcome.success), done.events, again)


def _on_models(
    victim: Victim, split: DigitsSplit, seed: int, each: int, first: bool
) -> Iterator[tuple[CampaignStage, Attacker]]:
    """Yield attacks on the model as a whole; those that train one of their own only with the first."""
    for campaign in campaigns().values():
        if campaign.name in WHITE_BOX and not first:
            continue
        for turn in range(each):
            stage = campaign.stage(split, seed * 100 + turn, victim)
            if stage.victim is not victim and not first:
                break
            yield stage, _on_model(campaign, stage, turn, seed * 100 + turn)


def _on_model(campaign: Campaign, stage: CampaignStage, turn: int, number: int) -> Attacker:
    who = f"attacker-{campaign.name}-{turn}"

    def again(most: int) -> Outcome:
        refusing = Refusing(stage.victim.predict_proba, most)
        done = campaign.run(refusing, stage, seed=number)
        return Outcome(done.success, done.measure.get("agreement"))

    done = trace_campaign(campaign, stage, seed=number, principal=who)
    free = Outcome(done.outcome.success, done.outcome.measure.get("agreement"))
    return Attacker(campaign.name, who, False, free, done.events, again)
