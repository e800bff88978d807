"""Evasion by Foolbox, whose HopSkipJump and Boundary attacks are others than those of the other toolbox.

They are left out where the package is not installed.
"""

import warnings
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from bench.worlds.attacks.case import Case, Found
from bench.worlds.attacks.oracle import Oracle, nearest, until_spent
from bench.worlds.attacks.toolbox import HALVED

INSTALLED: Final = find_spec("foolbox") is not None


def _model(oracle: Oracle, most: float) -> Any:
    """Return the oracle as Foolbox takes a model: tensors in, log-odds out."""
    import eagerpy
    from foolbox.models.base import Model
    from foolbox.types import Bounds

    class Asked(Model):  # type: ignore[misc]
        @property
        def bounds(self) -> Any:
            return Bounds(0.0, most)

        def __call__(self, inputs: Any) -> Any:
            rows, restore = eagerpy.astensor_(inputs)
            scores = oracle.ask(rows.numpy().reshape(len(rows), -1))
            return restore(eagerpy.astensor(np.log(scores + np.float32(1e-9))))

    return Asked()


def _run(case: Case, attack: Any, budget: int) -> Found:
    import eagerpy
    from foolbox.criteria import Misclassification

    np.random.seed(int(case.rng.integers(2**31)))
    oracle = case.oracle(budget)
    original, label, start = case.original(oracle)
    side = case.victim.side
    shape = (1, 1, side, side) if side else (1, len(original))
    with until_spent(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = Misclassification(eagerpy.astensor(np.array([label])))
        rows, begin = (eagerpy.astensor(one.reshape(shape)) for one in (original, start))
        most = max(1.0, float(original.max()), float(start.max()))
        attack.run(_model(oracle, most), rows, wanted, starting_points=begin)
    queries, share = nearest(oracle, original, label)
    return Found.of(oracle, HALVED, share, queries)


def foolbox_hop_skip_jump(case: Case) -> Found:
    """HopSkipJump (Chen, Jordan and Wainwright 2020) as Foolbox has it."""
    from foolbox.attacks import HopSkipJumpAttack

    attack = HopSkipJumpAttack(steps=30, initial_gradient_eval_steps=50, max_gradient_eval_steps=300)
    return _run(case, attack, 1_500)


def foolbox_boundary(case: Case) -> Found:
    """The Boundary attack (Brendel, Rauber and Bethge 2018) as Foolbox has it."""
    from foolbox.attacks import BoundaryAttack

    return _run(case, BoundaryAttack(steps=2_500, spherical_step=0.05, source_step=0.05), 2_000)


PICTURES: Final = (
    {"foolbox_hop_skip_jump": foolbox_hop_skip_jump, "foolbox_boundary": foolbox_boundary} if INSTALLED else {}
)
TABLES: Final = PICTURES
