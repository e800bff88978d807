"""Evasion by the Adversarial Robustness Toolbox, which sees nothing of the model but its answers."""

import warnings
from typing import Any, Final

import numpy as np

from bench.worlds.attacks.case import Case, Found
from bench.worlds.attacks.oracle import Oracle, Rows, flipped, nearest, until_spent

HALVED: Final = "half as far as the first on the boundary"
NEAR: Final = 0.35
"""L2 within which a score-based attack counts, as a share of the usual distance between rows of two classes."""


def bound(oracle: Oracle) -> float:
    """Return the greatest L2 of a change that counts, in the attacker's scale."""
    own = oracle.victim.own
    rows, labels = oracle.down(own.rows[:300]), own.labels[:300]
    away = _distances(rows)
    return float(NEAR * np.median(away[labels[:, None] != labels[None, :]]))


def _distances(rows: Rows) -> Rows:
    square = (rows**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(square[:, None] + square[None, :] - 2 * rows @ rows.T, 0)))


def bound_max(oracle: Oracle) -> float:
    """Return the greatest change of a column that counts: one and a half times what the L2 is a column."""
    return 1.5 * bound(oracle) / float(np.sqrt(len(oracle.low)))


def _shape(oracle: Oracle) -> tuple[int, ...]:
    side = oracle.victim.side
    return (1, side, side) if side else (len(oracle.low),)


def _estimator(oracle: Oracle, shape: tuple[int, ...]) -> Any:
    from art.estimators.classification.blackbox import BlackBoxClassifierNeuralNetwork

    def predict(rows: Any) -> Rows:
        scores = oracle.ask(np.asarray(rows).reshape(len(rows), -1))
        return np.pad(scores, ((0, 0), (0, classes - scores.shape[1])))

    # Some attacks refuse two classes: a third that never wins changes nothing.
    classes = max(3, oracle.classes)
    return BlackBoxClassifierNeuralNetwork(predict, shape, classes, channels_first=True, clip_values=(0.0, 1.0))


def _seeded(case: Case) -> None:
    """Seed numpy's global generator, which is what the toolbox draws from."""
    np.random.seed(int(case.rng.integers(2**31)))


def _decision(case: Case, make: Any, budget: int, **first: Any) -> Found:
    _seeded(case)
    oracle = case.oracle(budget)
    original, label, start = case.original(oracle)
    shape = _shape(oracle)
    with until_spent(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle.label(start)
        begin = {"x_adv_init": start.reshape(1, *shape)} if first.get("starts", True) else {}
        truth = np.eye(max(3, oracle.classes), dtype=np.float32)[[label]]
        make(_estimator(oracle, shape)).generate(original.reshape(1, *shape), y=truth, **begin)
    queries, share = nearest(oracle, original, label)
    return Found.of(oracle, HALVED, share, queries)


def _score(case: Case, make: Any, norm: float, most: float | None, budget: int, shape: Any = None) -> Found:
    _seeded(case)
    oracle = case.oracle(budget)
    original, label, _ = case.original(oracle)
    most = bound(oracle) if most is None else most
    origin = original.copy()

    def done(row: Rows, told: int) -> bool:
        return told != label and float(np.linalg.norm(oracle.down(row) - origin, ord=norm)) <= most * (1 + 1e-5) + 1e-6

    oracle.done = done
    shape = _shape(oracle) if shape is None else shape
    with until_spent(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        truth = np.eye(max(3, oracle.classes), dtype=np.float32)[[label]]
        make(_estimator(oracle, shape)).generate(original.reshape(1, *shape), y=truth)
    queries, size = flipped(oracle, original, label, norm, most)
    return Found.of(oracle, f"another class within L{norm:g} {most:.3g}", size, queries)


def hop_skip_jump(case: Case) -> Found:
    """HopSkipJump (Chen, Jordan and Wainwright 2020)."""
    from art.attacks.evasion import HopSkipJump

    def make(model: Any) -> Any:
        return HopSkipJump(model, max_iter=40, max_eval=500, init_eval=30, batch_size=64, verbose=False)

    return _decision(case, make, 1_500)


def boundary(case: Case) -> Found:
    """The Boundary attack (Brendel, Rauber and Bethge 2018)."""
    from art.attacks.evasion import BoundaryAttack

    def make(model: Any) -> Any:
        return BoundaryAttack(model, targeted=False, max_iter=400, delta=0.1, epsilon=0.1, sample_size=5,
                              num_trial=20, verbose=False)  # fmt: skip

    return _decision(case, make, 2_000)


def sign_opt(case: Case) -> Found:
    """Sign-OPT (Cheng et al. 2020)."""
    from art.attacks.evasion import SignOPTAttack

    def make(model: Any) -> Any:
        return SignOPTAttack(model, targeted=False, max_iter=100, num_trial=20, k=30, verbose=False)

    return _decision(case, make, 2_000, starts=False)


def simba(case: Case) -> Found:
    """SimBA in pixels (Guo et al. 2019)."""
    from art.attacks.evasion import SimBA

    return _score(case, lambda model: SimBA(model, "px", 2_000, epsilon=0.4, verbose=False), 2, None, 1_500)


def simba_dct(case: Case) -> Found:
    """SimBA in low frequencies (Guo et al. 2019)."""
    from art.attacks.evasion import SimBA

    def make(model: Any) -> Any:
        return SimBA(model, "dct", 2_000, epsilon=0.6, freq_dim=case.victim.side // 2, stride=2, verbose=False)

    return _score(case, make, 2, None, 1_500)


def square(case: Case) -> Found:
    """Square (Andriushchenko et al. 2020), in the maximum norm."""
    from art.attacks.evasion import SquareAttack

    most = bound_max(case.oracle())
    make = lambda model: SquareAttack(model, eps=most, max_iter=1_200, p_init=0.4, verbose=False)  # noqa: E731
    columns = 0 if case.victim.side else int(case.victim.spec.shape[0])
    return _score(case, make, np.inf, most, 1_500, (1, 1, columns) if columns else None)


def zoo(case: Case) -> Found:
    """ZOO (Chen et al. 2017): coordinate-wise estimates of the gradient."""
    from art.attacks.evasion import ZooAttack

    def make(model: Any) -> Any:
        columns = int(np.prod(case.victim.spec.shape))
        trees = case.victim.spec.kind != "image"
        return ZooAttack(
            model, learning_rate=0.1, max_iter=100, initial_const=10.0, use_resize=False,
            abort_early=False, use_importance=False,
            nb_parallel=min(32, columns), variable_h=0.2 if trees else 0.05, verbose=False,
        )  # fmt: skip

    return _score(case, make, 2, None, 2_000)


PICTURES: Final = {"hop_skip_jump": hop_skip_jump, "boundary": boundary, "sign_opt": sign_opt,
                   "simba": simba, "simba_dct": simba_dct, "square": square, "zoo": zoo}  # fmt: skip
TABLES: Final = {"hop_skip_jump": hop_skip_jump, "boundary": boundary, "sign_opt": sign_opt, "zoo": zoo}
