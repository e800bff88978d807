"""What natural queries are worth to somebody who copies a model: how well a copy agrees after so many of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery import mnist, traffic
from caponier.emulate.attacker.surrogate import agreement_of
from caponier.emulate.victims.digits import Pool

SMALL, LARGE = "8 x 8", "28 x 28"
NUMBERS: Final = {SMALL: (25, 50, 100, 150, 200, 300, 400), LARGE: (50, 100, 200, 400, 800, 1_600)}
A_DAY: Final = traffic.UNIQUE
"""Different queries of a benign user in a day: as many for each of them here, so that it is their 99th percentile."""
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Curve:
    """How well a copy agrees with a model, by the number of queries."""

    model: str
    told: str
    """What the copier learned from: `scores`, or `labels` alone."""
    reached: dict[int, float]

    def account_days(self, level: float) -> float:
        """Return the days of one account, a benign user's queries each, until a copy agrees so well."""
        needed = next((n for n, agreement in self.reached.items() if agreement >= level), max(self.reached))
        return needed / A_DAY

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each number of queries."""
        about = {"who": "natural_extraction", "model": self.model, "learned_from": self.told}
        return [
            about | {"queries": n, "agreement": round(agreement, 3), "account_days": n / A_DAY}
            for n, agreement in self.reached.items()
        ]


def small(asked: NDArray[np.float32], scores: Scores, exam: Pool, seed: int) -> list[Curve]:
    """Return the curves of one attacker of a digits model; `exam` holds the model's answers."""
    return [
        Curve(SMALL, told, {n: agreement_of(asked[:n], answers[:n], exam, seed) for n in NUMBERS[SMALL]})
        for told, answers in _told(scores).items()
    ]


def large(seed: int) -> list[Curve]:
    """Return those of one who copies a convolutional network, with a network of the same kind."""
    train, _, others, attackers = mnist.pools(seed)
    predict, rng = mnist.predictor(mnist.trained(train, seed)), np.random.default_rng(seed)
    most = max(NUMBERS[LARGE])
    rows = np.concatenate([rng.permutation(len(attackers.images)) for _ in range(-(-most // len(attackers.images)))])
    asked, exam = mnist.photos(attackers.images[rows[:most]], rng), mnist.photos(others.images, rng)
    truth = predict(exam).argmax(axis=1)

    def agreement(answers: Scores, n: int) -> float:
        copy = mnist.predictor(mnist.copied(asked[:n], answers[:n], seed))
        return float((copy(exam).argmax(axis=1) == truth).mean())

    return [
        Curve(LARGE, told, {n: agreement(answers, n) for n in NUMBERS[LARGE]})
        for told, answers in _told(predict(asked).astype(np.float32)).items()
    ]


def mean(curves: Iterable[Curve]) -> list[Curve]:
    """Return the mean of all curves of one model and kind of answers, in the order in which they come."""
    alike: dict[tuple[str, str], list[Curve]] = {}
    for curve in curves:
        alike.setdefault((curve.model, curve.told), []).append(curve)
    return [Curve(*kind, _mean([one.reached for one in group])) for kind, group in alike.items()]


def _mean(reached: Sequence[dict[int, float]]) -> dict[int, float]:
    return {n: float(np.mean([one[n] for one in reached])) for n in reached[0]}


def _told(scores: Scores) -> dict[str, Scores]:
    return {"scores": scores, "labels": np.eye(scores.shape[1], dtype=np.float32)[scores.argmax(axis=1)]}
