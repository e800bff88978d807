"""Detectors to hold ours against, on the same streams: a rule of thumb, and two published tests in our own words.

Each gives every query a score of at least 0 from what came before it. Its threshold is the published one (`limit`), or
`MARGIN` times the highest score of any benign user of the baseline, each scored by what was learned from others: what
somebody would take who has the same benign traffic and no theory of it. Our own ranks by age are no part of it.
"""

import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.machinery.streams import Queries
from caponier.errors import InputError

Scores = NDArray[np.float64]
LEAST: Final = 1e-9
"""What is smaller is taken for it, before a logarithm."""
MARGIN: Final = 1.25
"""Times the highest benign score: a threshold where none is published."""
LARGE: Final = 784
"""Values of the smallest images that Blacklight was made for."""


class Detector(Protocol):
    """What a third party plugs in: two methods, and a threshold if it has one.

    An object may also have `limit: float`: a score above it is an alarm. Without one the scorecard sets the threshold
    for it.
    """

    def fit(self, benign: Queries) -> None:
        """Learn from the benign users of the baseline; called anew before other benign users are scored."""
        ...

    def scores(self, log: Queries) -> Scores:
        """Score each query (n,), at least 0, from it and what came before it in this log; remember nothing."""
        ...


class NearPairs:
    """Three near pairs among the last 20 queries of a caller: the k-of-n rule that everybody would try first.

    A query is as near as the nearest of the 200 different ones before it. The score is the third smallest of the last
    20 such distances, as the logarithm of how many times it would fit into the widest there is; so the threshold is
    what `near` means.
    """

    pairs, window, ring = 3, 20, 200

    def fit(self, benign: Queries) -> None:
        """Learn nothing: what is near is the threshold."""

    def scores(self, log: Queries) -> Scores:
        """See `Detector.scores`."""
        found = np.zeros(len(log))
        for _, rows in log.callers():
            near = nearest(log.inputs[rows], self.ring)
            # No pair is farther apart than two corners of the unit cube.
            near = np.log(np.maximum(1, np.sqrt(log.inputs.shape[1]) / np.maximum(near, LEAST)))
            padded = np.concatenate([np.zeros(self.window - 1), near])
            last = np.lib.stride_tricks.sliding_window_view(padded, self.window)
            found[rows] = np.sort(last, axis=1)[:, -self.pairs]
        return found


def nearest(inputs: NDArray[np.float32], ring: int, lot: int = 256) -> Scores:
    """Return the distance (n,) of each row (n, d) to the nearest of so many before it; infinite for the first."""
    found = np.full(len(inputs), np.inf)
    for begin in range(0, len(inputs), lot):
        own = np.arange(begin, min(begin + lot, len(inputs)))
        before = np.arange(max(0, begin - ring), own[-1] + 1)
        a, b = inputs[own].astype(np.float64), inputs[before].astype(np.float64)
        squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
        behind = own[:, None] - before[None]
        squares[(behind < 1) | (behind > ring)] = np.inf
        found[own] = np.sqrt(np.maximum(squares.min(axis=1), 0))
    return found


class Prada:
    """PRADA (Juuti, Szyller, Marchal, Asokan 2019): distances of ordinary queries are normally distributed.

    For each class that the model answers there is a growing set of a caller's queries. The distance of a query to the
    nearest member of its class's set is noted; the query becomes a member if that distance exceeds the set's threshold,
    the largest value so far of mean less standard deviation of its members' distances. From more than 100 distances on,
    those within three standard deviations of the mean are tested for a normal distribution (Shapiro and Wilk); a
    statistic below delta is an attack. The score is its negative logarithm. Delta is 0.95, the paper's for MNIST. After
    5,000 distances, as many as the test is good for, nothing more is said.
    """

    delta, fewest, most = 0.95, 100, 5_000
    limit = -float(np.log(delta))

    def fit(self, benign: Queries) -> None:
        """Learn nothing."""

    def scores(self, log: Queries) -> Scores:
        """See `Detector.scores`."""
        found = np.zeros(len(log))
        for _, rows in log.callers():
            found[rows] = self._caller(log.inputs[rows], log.labels[rows])
        return found

    def _caller(self, inputs: NDArray[np.float32], labels: NDArray[np.int64]) -> Scores:
        from scipy.stats import shapiro

        sets: dict[int, _GrowingSet] = {}
        distances: list[float] = []
        found = np.zeros(len(inputs))
        for at, (row, label) in enumerate(zip(inputs, labels.tolist(), strict=True)):
            if label not in sets:
                sets[label] = _GrowingSet(row)
                continue
            distances.append(sets[label].take(row))
            if self.fewest < len(distances) <= self.most:
                known = np.array(distances)
                within = known[np.abs(known - known.mean()) <= 3 * known.std()]
                statistic = shapiro(within).statistic if np.ptp(within) > 0 else LEAST
                found[at] = -np.log(min(1.0, max(LEAST, statistic)))
        return found


class _GrowingSet:
    """The members of one class, and how far each was from those before it."""

    def __init__(self, first: NDArray[np.float32]) -> None:
        self._members = np.empty((64, len(first)))
        self._members[0] = first
        self._distances = [0.0]
        self._threshold = 0.0

    def take(self, row: NDArray[np.float32]) -> float:
        """Return the distance to the nearest member; it may become one."""
        n = len(self._distances)
        away = float(np.sqrt(((self._members[:n] - row) ** 2).sum(axis=1).min()))
        if away > self._threshold:
            if n == len(self._members):
                self._members = np.concatenate([self._members, np.empty_like(self._members)])
            self._members[n] = row
            self._distances.append(away)
            self._threshold = max(self._threshold, float(np.mean(self._distances) - np.std(self._distances)))
        return away


class Blacklight:
    """Blacklight (Li, Shan, Wenger, Zhang, Zheng, Zhao 2022): queries of one attack share most of their fingerprint.

    Values are rounded to steps of 50 of 255 and a secret value is added to each place; a window slides over them in
    steps of one and what it shows is hashed (SHA-256); the 50 largest hashes are the query's fingerprint. A query that
    has more than 25 of them in common with any earlier one, whoever sent it, is an attack. The score is how many.

    The paper's windows are of 20 values (CIFAR-10 and GTSRB) or 50 (MNIST and ImageNet), of at least 784. An image of
    8 x 8 has 45 windows of 20 and 15 of 50, so 20 is taken, all hashes are kept, and half of them is the limit, as in
    the paper.
    """

    step, kept = 50, 50

    def __init__(self) -> None:
        self._fitted(64)

    def _fitted(self, size: int) -> None:
        """Choose window, salt and limit for inputs of so many values."""
        self.window = 20 if size < LARGE else 50
        self._salt = np.random.default_rng(2022).integers(0, 256, size, np.uint8)
        self.limit = min(self.kept, size - self.window + 1) // 2

    def fit(self, benign: Queries) -> None:
        """Learn how large inputs are, and nothing else."""
        self._fitted(benign.inputs.shape[1])

    def scores(self, log: Queries) -> Scores:
        """See `Detector.scores`."""
        prints = [self._fingerprint(row) for row in log.inputs]
        codes = np.unique(np.concatenate(prints), return_inverse=True)[1] if prints else np.zeros(0, np.int64)
        sizes = np.array([len(one) for one in prints], np.int64)
        owners = np.repeat(np.arange(len(prints)), sizes)
        # By hash, the queries that have it, in order; of each list only what came before a query is looked at.
        lists = owners[np.argsort(codes, kind="stable")]
        begins = np.concatenate([[0], np.cumsum(np.bincount(codes))]) if len(codes) else np.zeros(1, np.int64)
        ends = begins[:-1].copy()
        found = np.zeros(len(prints))
        for at, own in enumerate(np.split(codes, np.cumsum(sizes)[:-1]) if prints else []):
            earlier = np.concatenate([lists[begins[code] : ends[code]] for code in own])
            found[at] = np.bincount(earlier).max() if len(earlier) else 0
            ends[own] += 1
        return found

    def _fingerprint(self, row: NDArray[np.float32]) -> NDArray[np.uint64]:
        """Return the largest different hashes of an input (d,), by their first eight bytes."""
        levels = (np.round(row * 255 / self.step) * self.step).astype(np.int64)
        hidden = ((levels + self._salt) % 256).astype(np.uint8).tobytes()
        shown = (hidden[at : at + self.window] for at in range(len(row) - self.window + 1))
        hashes = {int.from_bytes(sha256(part).digest()[:8], "big") for part in shown}
        return np.array(sorted(hashes, reverse=True)[: self.kept], np.uint64)


class FineBlacklight(Blacklight):
    """The same, fitted to small pictures as far as it goes: steps of 20 of 255, and nobody is held to others' queries.

    On 8 x 8 pixels of 17 levels each, steps of 50 make photos of the same thing alike, and customers photograph the
    same things.
    """

    step = 20

    def scores(self, log: Queries) -> Scores:
        """See `Detector.scores`."""
        found = np.zeros(len(log))
        for _, rows in log.callers():
            found[rows] = super().scores(log.take(rows))
        return found


REFERENCES: Final[Mapping[str, Callable[[], Detector]]] = {
    "near_pairs": NearPairs,
    "prada": Prada,
    "blacklight": Blacklight,
    "blacklight_fine": FineBlacklight,
}


def plugged(path: str) -> tuple[str, Callable[[], Detector]]:
    """Return a detector of a third party with its name.

    Args:
        path: `module:Class`, the module as Python would import it from the current folder.

    Raises:
        InputError: If there is no such class, or it has not the two methods of a `Detector`.
    """
    module, _, name = path.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(import_module(module), name or "-")
    except (ImportError, AttributeError, ValueError) as missing:
        raise InputError(f"there is no detector {path!r}: {missing}", hint="Write module:Class") from missing
    lacking = [method for method in ("fit", "scores") if not callable(getattr(found, method, None))]
    if lacking:
        hint = "See docs/explanation/behaviour-scorecard.md"
        raise InputError(f"{path!r} has no method {' and no '.join(lacking)}", hint=hint)
    return name, found


def learned_threshold(detector: Detector, benign: Queries) -> float:
    """Return `MARGIN` times the highest score of any benign user of the calibration.

    Each half of the users is scored by what was learned from the other half, as a new user will be. Then the detector
    learns from all of them.
    """
    names = np.unique(benign.who)
    even = np.isin(benign.who, names[::2])
    best = [0.0]
    for half in (even, ~even):
        detector.fit(benign.take(~half))
        best += maxima(benign.take(half), detector).values()
    detector.fit(benign)
    return MARGIN * max(best)


def maxima(log: Queries, detector: Detector) -> dict[str, float]:
    """Return the highest score of each caller.

    Raises:
        InputError: If the scores do not fit the queries.
    """
    scores = scored(log, detector)
    return {name: float(scores[rows].max()) for name, rows in log.callers()}


def scored(log: Queries, detector: Detector) -> Scores:
    """Return the scores of a log, made sure of: one for each query, numbers, none below 0.

    Raises:
        InputError: If they are something else.
    """
    scores: Any = np.asarray(detector.scores(log), np.float64)
    if scores.shape != (len(log),) or not (scores >= 0).all():
        who = type(detector).__name__
        raise InputError(f"{who} gave no score of at least 0 for each of {len(log)} queries")
    return np.asarray(scores)
