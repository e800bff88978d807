"""Models of digits of other families than the usual victims, for probes that guess a model's family."""

from typing import Any, Final

import numpy as np

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.images import Images, shots
from caponier.emulate.victims.digits import SEEDS, DigitsSplit, train_victim
from caponier.errors import InputError
from caponier.extras import needs
from caponier.formats.one_thread import one_thread

KINDS: Final = ("mlp", "linear", "boosted", "forest")
ROUNDS: Final = 25
"""Of boosting: ten trees each."""
SHOTS: Final = 2


def train_kind(split: DigitsSplit, seed: int, kind: str) -> Predict:
    """Train a model of a kind on photos of a split's training images.

    Returns:
        Images (n, 64) to class scores (n, 10), float32.

    Raises:
        InputError: If there is no such kind.
    """
    if kind in ("mlp", "forest"):
        return train_victim(split.train, split.test, seed, "mlp" if kind == "mlp" else "forest").predict_proba
    if kind not in KINDS:
        raise InputError(f"There is no model of kind {kind!r}", hint=f"Choose one of: {', '.join(KINDS)}")
    photos = shots(np.tile(split.train.images, (SHOTS, 1)), np.random.default_rng(seed), shift_share=0.5)
    labels = np.tile(split.train.labels, SHOTS)
    with one_thread(openmp=True):
        model = _untrained(kind, seed % SEEDS).fit(photos, labels)

    def predict_proba(rows: Images) -> Images:
        with one_thread(openmp=True):
            scores: Images = model.predict_proba(rows).astype(np.float32)
        return scores

    return predict_proba


def _untrained(kind: str, seed: int) -> Any:
    with needs("emulate", "Training a victim"):
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.linear_model import LogisticRegression
    if kind == "linear":
        return LogisticRegression(max_iter=500)
    return HistGradientBoostingClassifier(max_iter=ROUNDS, random_state=seed)
