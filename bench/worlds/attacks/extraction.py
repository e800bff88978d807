"""Attackers who copy the model: a copy counts when it agrees with the model on rows that nobody asked (kappa 0.6)."""

import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.attacks.case import Case, Found
from bench.worlds.attacks.oracle import Oracle, Rows

KAPPA: Final = 0.6
GOAL: Final = f"kappa of the copy at least {KAPPA}"


def kappa(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return how far answers agree beyond chance (Cohen 1960)."""
    agree = float((one == other).mean())
    chance = sum(float((one == c).mean()) * float((other == c).mean()) for c in set(one.tolist()))
    return (agree - chance) / (1 - chance) if chance < 1 else 0.0


def copy(rows: Rows, scores: Rows, case: Case) -> Any:
    """Train a copy: a network on pictures, trees on tables; rows are in the model's units."""
    labels = scores.argmax(axis=1)
    seed = int(case.rng.integers(2**31))
    if len(set(labels.tolist())) < 2:
        return None
    if case.victim.spec.kind == "image":
        from sklearn.neural_network import MLPClassifier

        model: Any = MLPClassifier((64,), max_iter=60, tol=1e-3, random_state=seed)
    else:
        from sklearn.ensemble import RandomForestClassifier

        model = RandomForestClassifier(60, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a copy need not have converged
        return model.fit(rows, labels)


def judged(case: Case, oracle: Oracle) -> Found:
    """Train the copy on all that was asked, and hold it against the model."""
    rows, scores = oracle.record()
    model, exam = copy(rows, scores, case), case.victim.fresh.rows[:800]
    figure = 0.0 if model is None else kappa(model.predict(exam), case.victim.ask(exam).argmax(axis=1))
    return Found.once(oracle, GOAL, figure, reached=figure >= KAPPA)


def natural_extraction(case: Case) -> Found:
    """Copy from natural rows of the same distribution alone: hardly to be told from a user."""
    oracle = case.oracle(2_000)
    oracle.ask(case.own(1_200, oracle))
    return judged(case, oracle)


def knockoff(case: Case) -> Found:
    """Knockoff Nets (Orekondy, Schiele and Fritz 2019): rows of another distribution."""
    oracle = case.oracle(2_000)
    rows = case.own(1_500, oracle)
    if case.victim.side:
        rows = _foreign_pictures(rows, case)
    else:
        for column in range(rows.shape[1]):
            rows[:, column] = case.rng.permutation(rows[:, column])
    oracle.ask(rows)
    return judged(case, oracle)


def _foreign_pictures(rows: Rows, case: Case) -> Rows:
    """Return pictures that are none of the model's: halves of two, mirrored, and strokes."""
    side, n = case.victim.side, len(rows)
    one, other = rows.reshape(n, side, side), rows[case.rng.permutation(n)].reshape(n, side, side)
    found = one.copy()
    found[:, side // 2 :] = other[:, side // 2 :]
    mirrored = case.rng.random(n) < 0.4
    found[mirrored] = found[mirrored][:, :, ::-1]
    return np.ascontiguousarray(found.reshape(n, -1))


def jbda(case: Case) -> Found:
    """Jacobian-based augmentation (Papernot et al. 2017): seeds, and steps from them along the copy's gradient."""
    oracle = case.oracle(1_500)
    rows = case.own(150, oracle)
    scores = oracle.ask(rows)
    for turn in range(3):
        model = _linear(rows, scores.argmax(axis=1))
        if model is None:
            break
        step = np.sign(model[scores.argmax(axis=1)]).astype(np.float32) * (0.1 if turn % 2 == 0 else -0.1)
        new = np.clip(rows + step, 0, 1)[: 1_490 - oracle.asked]
        if not len(new):
            break
        rows, scores = np.concatenate([rows, new]), np.concatenate([scores, oracle.ask(new)])
    return judged(case, oracle)


def _linear(rows: Rows, labels: NDArray[np.int64]) -> Any:
    """Return a linear copy's weights by class (k, d), by ridge regression."""
    k = int(labels.max()) + 1
    if k < 2:
        return None
    centred = rows - rows.mean(axis=0)
    wanted = np.eye(k)[labels] - 1 / k
    if len(rows) < rows.shape[1]:
        return (centred.T @ np.linalg.solve(centred @ centred.T + 10 * np.eye(len(rows)), wanted)).T
    return np.linalg.solve(centred.T @ centred + 10 * np.eye(rows.shape[1]), centred.T @ wanted).T


def active_extraction(case: Case) -> Found:
    """Active learning (Pal et al. 2020): of own rows, those of which the copy is least sure, round after round."""
    oracle = case.oracle(1_200)
    pool = case.own(4_000, oracle)
    asked = case.rng.permutation(len(pool))[:100]
    scores = oracle.ask(pool[asked])
    for _ in range(6):
        model = copy(oracle.up(pool[asked]), scores, case)
        if model is None:
            break
        rest = np.setdiff1d(np.arange(len(pool)), asked)
        odds = np.sort(model.predict_proba(oracle.up(pool[rest])), axis=1)
        new = rest[np.argsort(odds[:, -1] - odds[:, -2], kind="stable")[:150]]
        asked, scores = np.concatenate([asked, new]), np.concatenate([scores, oracle.ask(pool[new])])
    return judged(case, oracle)


def random_extraction(case: Case) -> Found:
    """Rows drawn evenly over the ranges of the columns (Tramer et al. 2016)."""
    oracle = case.oracle(1_600)
    oracle.ask(case.rng.random((1_500, len(oracle.low))).astype(np.float32) ** 3)
    return judged(case, oracle)


PICTURES: Final = {"natural_extraction": natural_extraction, "knockoff": knockoff, "jbda": jbda,
                   "active_extraction": active_extraction}  # fmt: skip
TABLES: Final = {**PICTURES, "random_extraction": random_extraction}


def own_forms(case: Case) -> Found:
    """Forms made up of the values that fields have, each drawn alone."""
    oracle = case.oracle(1_600)
    rows = [case.rng.choice(known, 1_500) for known in case.victim.values]
    oracle.ask_raw(np.stack(rows, axis=1).astype(np.float32))
    return judged(case, oracle)


CATEGORIES: Final = {
    "natural_extraction": natural_extraction,
    "knockoff": own_forms,
    "active_extraction": active_extraction,
}
