"""Attacks on what is no 8 x 8 picture with ten classes: records, and pictures in colour."""

from math import prod

import numpy as np
import pytest

from caponier.emulate.attack import Attack
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignStage
from caponier.emulate.campaigns.model_inversion import ModelInversion, _smooth
from caponier.emulate.evasion.boundary import Boundary
from caponier.emulate.evasion.hop_skip_jump import HopSkipJump
from caponier.emulate.evasion.nes import NES
from caponier.emulate.evasion.simba import SimBA
from caponier.emulate.evasion.square import Square
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import Pool, Victim

RECORD, COLOUR = (5,), (6, 7, 3)


def model(size: int, classes: int, seed: int = 0) -> Predict:
    """Return a linear model of rows in 0..1 that is unsure enough to be attacked."""
    weights = np.random.default_rng(seed).standard_normal((size, classes)).astype(np.float32)

    def predict(rows: Images) -> Images:
        assert rows.shape == (1, size)
        odds = np.exp((rows - 0.5) @ weights)
        scores: Images = odds / odds.sum(axis=1, keepdims=True)
        return scores

    return predict


@pytest.mark.parametrize(
    ("attack", "shape"),
    [
        (HopSkipJump(), RECORD),
        (Boundary(), RECORD),
        (NES(), RECORD),
        (SimBA(shape=(1, 5, 1)), RECORD),
        (HopSkipJump(), COLOUR),
        (NES(), COLOUR),
        (SimBA(shape=COLOUR), COLOUR),
        (Square(shape=COLOUR), COLOUR),
    ],
    ids=lambda given: given.name if hasattr(given, "name") else str(len(given)),
)
def test_attacks_take_their_sizes_from_the_original(attack: Attack, shape: tuple[int, ...]) -> None:
    size = prod(shape)
    predict = model(size, 12)
    originals = np.random.default_rng(1).random((4, size), dtype=np.float32)
    labels = [int(predict(row[None]).argmax()) for row in originals]
    outcomes = [
        attack.run(predict, row, label, seed=seed, budget=150)
        for seed, (row, label) in enumerate(zip(originals, labels, strict=True))
    ]
    assert all(outcome.queries > 1 for outcome in outcomes)
    assert any(outcome.adversarial is not None and outcome.adversarial.shape == (size,) for outcome in outcomes)


def test_neighbours_go_together_in_pictures_alone() -> None:
    rng = np.random.default_rng(0)

    def kinship(shape: tuple[int, ...]) -> float:
        changes = np.array([_smooth(rng, shape) for _ in range(500)])
        return float(np.corrcoef(changes[:, 0], changes[:, 1 if len(shape) < 3 else 3])[0, 1])

    assert abs(kinship((40,))) < 0.2
    assert kinship((8, 8)) > 0.3
    assert kinship(COLOUR) > 0.3


def test_a_record_is_inverted_too() -> None:
    none = np.zeros(0, np.int64)
    predict = model(5, 2)
    victim = Victim("mlp", predict, 1.0)
    noise = np.random.default_rng(0).random((1, 5), dtype=np.float32)
    held = Pool(noise, np.zeros(1, np.int64))
    stage = CampaignStage(victim, held, held, np.zeros(1, bool), Pool(noise[:0], none))
    outcome = ModelInversion(climbs=1, shape=RECORD, classes=2).run(predict, stage, seed=0, budget=80)
    assert outcome.queries > 1
    assert outcome.measure["found"] <= 1
