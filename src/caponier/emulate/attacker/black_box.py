"""The Adversarial Robustness Toolbox as we use it: quiet, in float32, seeded, and blind to all but the answers."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from caponier.emulate.caller.oracle import Oracle
from caponier.emulate.images import Images
from caponier.extras import needs


def evasion() -> ModuleType:
    """Return the toolbox's module of evasion attacks.

    Its import warns about every framework that is not installed; none is needed.
    """
    with needs("emulate", "Emulating an attack"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from art.attacks import evasion as attacks
    module: ModuleType = attacks
    return module


def classifier(oracle: Oracle) -> Any:
    """Wrap an oracle that was asked already, of rows (n, d), as the toolbox's black-box classifier."""
    evasion()
    from art.estimators.classification import BlackBoxClassifierNeuralNetwork

    shape = (oracle.original.size,)
    return BlackBoxClassifierNeuralNetwork(oracle, shape, oracle.classes, clip_values=(0.0, 1.0))


def picture_classifier(oracle: Oracle, shape: tuple[int, int, int]) -> Any:
    """Wrap an oracle that was asked already for attacks that want pictures (n, height, width, channels).

    Some of the toolbox's attacks ask for the same picture several times in a row. Nobody pays twice for an answer, so
    answers are remembered.
    """
    evasion()
    from art.estimators.classification import BlackBoxClassifierNeuralNetwork

    known: dict[bytes, Images] = {}

    def remembered(pictures: Images) -> Images:
        return np.concatenate([once(picture.reshape(1, -1).astype(np.float32)) for picture in pictures])

    def once(row: Images) -> Images:
        key = row.tobytes()
        if key not in known:
            known[key] = oracle(row)
        return known[key]

    return BlackBoxClassifierNeuralNetwork(
        remembered, shape, oracle.classes, channels_first=False, clip_values=(0.0, 1.0)
    )


def run_toolbox(
    name: str,
    estimator: Any,
    images: Images,
    labels: npt.NDArray[Any],
    seed: int,
    *,
    start: Images | None = None,
    **options: Any,
) -> None:
    """Let one of the toolbox's attacks run; what it found is in the answers that it got.

    Args:
        name: Of its class.
        estimator: From `classifier` or `picture_classifier`.
        images: What is attacked, a batch of one.
        labels: Its class, or what the model is to answer; whatever the attack takes for one.
        seed: Fixes its steps.
        start: Adversarial image (64,) that it begins with, where it takes one.
        options: Of the attack.
    """
    attack = getattr(evasion(), name)(estimator, verbose=False, **options)
    begin = {} if start is None else {"x_adv_init": start[None]}
    with seeded(seed):
        attack.generate(images, labels, **begin)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed numpy's global generator, the only one that the toolbox draws its steps from, and put it back after.

    Where an estimate of the boundary comes out as zero, the toolbox divides by it and then gives up by itself.
    """
    before = np.random.get_state()
    np.random.seed(seed % 2**32)
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            yield
    finally:
        np.random.set_state(before)
