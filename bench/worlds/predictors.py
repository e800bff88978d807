"""Models that the worlds ask: networks, trees, and what scikit-learn has; all can be pickled and answer in batches."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LOT: Final = 8_192
EPOCHS: Final = 25
FEW: Final = 256
"""Pictures at a time: a network is three times as fast while its layers stay in the processor's cache."""
Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Trees:
    """Boosted trees or a forest in arrays: sklearn needs milliseconds for a single row, and attackers ask many of them.

    All arrays are (trees, nodes), `value` (trees, nodes, k); a leaf leads to itself. `boosted` sums log-odds from
    `base` (k,), a forest averages shares.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]
    depth: int
    boosted: bool
    base: NDArray[np.float64]

    def __call__(self, rows: Rows) -> Rows:
        """Return the scores (n, k) of rows (n, d)."""
        rows = np.asarray(rows, np.float32)
        if len(rows) > LOT:
            return np.concatenate([self(rows[at : at + LOT]) for at in range(0, len(rows), LOT)])
        trees, each = np.arange(self.feature.shape[0])[None, :], np.arange(len(rows))[:, None]
        node = np.zeros((len(rows), self.feature.shape[0]), np.int32)
        for _ in range(self.depth):
            value = rows[each, self.feature[trees, node]]
            node = np.where(value <= self.threshold[trees, node], self.left[trees, node], self.right[trees, node])
        if self.boosted:
            raw = self.base + sum(self.value[tree, node[:, tree]] for tree in range(self.feature.shape[0]))
            return _odds(raw)
        total = sum(self.value[tree, node[:, tree]] for tree in range(self.feature.shape[0]))
        return np.asarray(total / self.feature.shape[0], np.float32)


def _odds(raw: NDArray[np.float64]) -> Rows:
    if raw.shape[1] == 1:
        positive = 1 / (1 + np.exp(-raw))
        return np.concatenate([1 - positive, positive], axis=1).astype(np.float32)
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def boosted(x: Rows, y: NDArray[np.int64], seed: int, **settings: Any) -> Trees:
    """Train boosted trees and read their nodes out."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model: Any = HistGradientBoostingClassifier(random_state=seed, early_stopping=False, **settings).fit(x, y)
    base = np.asarray(model._baseline_prediction, np.float64).reshape(-1)
    trees = [(one.nodes, place) for turn in model._predictors for place, one in enumerate(turn)]
    most = max(len(nodes) for nodes, _ in trees)
    found = _empty(len(trees), most, len(base))
    for at, (nodes, place) in enumerate(trees):
        leaf = nodes["is_leaf"].astype(bool)
        _fill(found, at, leaf, nodes["feature_idx"], nodes["num_threshold"], nodes["left"], nodes["right"])
        found["value"][at, : len(nodes), place] = nodes["value"] * leaf
    depth = max(int(nodes["depth"].max()) for nodes, _ in trees)
    return Trees(**found, depth=depth, boosted=True, base=base)


def forest(x: Rows, y: NDArray[np.int64], seed: int, **settings: Any) -> Trees:
    """Train a random forest and read its nodes out."""
    from sklearn.ensemble import RandomForestClassifier

    model: Any = RandomForestClassifier(random_state=seed, n_jobs=1, **settings).fit(x, y)
    trees = [one.tree_ for one in model.estimators_]
    found = _empty(len(trees), max(tree.node_count for tree in trees), model.n_classes_)
    for at, tree in enumerate(trees):
        _fill(found, at, tree.children_left < 0, tree.feature, tree.threshold, tree.children_left, tree.children_right)
        shares = tree.value[:, 0, :]
        found["value"][at, : tree.node_count] = shares / shares.sum(axis=1, keepdims=True)
    return Trees(**found, depth=max(tree.max_depth for tree in trees), boosted=False, base=np.zeros(1))


def _empty(trees: int, nodes: int, k: int) -> dict[str, Any]:
    itself = np.arange(nodes, dtype=np.int32)[None, :].repeat(trees, axis=0)
    return {
        "feature": np.zeros((trees, nodes), np.int32),
        "threshold": np.zeros((trees, nodes), np.float64),
        "left": itself.copy(),
        "right": itself.copy(),
        "value": np.zeros((trees, nodes, k), np.float32),
    }


def _fill(found: dict[str, Any], at: int, leaf: Any, feature: Any, threshold: Any, left: Any, right: Any) -> None:
    inner = np.flatnonzero(~np.asarray(leaf, bool))
    for name, given in {"feature": feature, "threshold": threshold, "left": left, "right": right}.items():
        found[name][at, inner] = np.asarray(given)[inner]


@dataclass(frozen=True, eq=False)
class Net:
    """A small network of torch on pictures of one channel."""

    model: Any
    side: int

    def __call__(self, rows: Rows) -> Rows:
        """Return the scores (n, k) of rows (n, side * side)."""
        import torch

        found = []
        with torch.no_grad():
            for at in range(0, len(rows), FEW):
                lot = torch.from_numpy(np.ascontiguousarray(rows[at : at + FEW], np.float32))
                found.append(torch.softmax(self.model(lot.reshape(-1, 1, self.side, self.side)), 1).numpy())
        return np.concatenate(found)


def network(x: Rows, y: NDArray[np.int64], side: int, seed: int, renew: Any, varied: float = 0.33) -> Net:
    """Train a convolutional network; `renew` makes a share of the pictures anew each turn."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    flat = 24 * (((side - 3) // 2 + 1 - 3) // 2 + 1) ** 2
    model = nn.Sequential(
        *(nn.Conv2d(1, 12, 3, 2), nn.ReLU(), nn.Conv2d(12, 24, 3, 2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(flat, 64), nn.ReLU(), nn.Linear(64, int(y.max()) + 1)),
    )
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(EPOCHS):
        pictures, anew = x.copy(), rng.random(len(x)) < varied
        pictures[anew] = renew(x[anew], rng)
        for rows in np.array_split(rng.permutation(len(x)), max(1, len(x) // 64)):
            lot = torch.from_numpy(pictures[rows]).reshape(-1, 1, side, side)
            loss = nn.functional.cross_entropy(model(lot), torch.from_numpy(y[rows]))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return Net(model.eval(), side)


@dataclass(frozen=True, eq=False)
class Learned:
    """A classifier of scikit-learn on rows of numbers or on texts."""

    model: Any

    def __call__(self, rows: Any) -> Rows:
        """Return the scores (n, k)."""
        return np.asarray(self.model.predict_proba(rows), np.float32)
