import numpy as np
import pytest

from caponier.emulate.campaigns.knockoff import CAMPAIGN, EACH, cuttings, letters, noise
from caponier.emulate.simulation.trace import trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim


@pytest.mark.parametrize("made", [cuttings, letters, noise])
def test_pictures_fit_the_model_and_differ(made: object, rng: np.random.Generator) -> None:
    assert callable(made)
    pictures = made(30, rng)
    assert pictures.shape == (30, 64)
    assert pictures.dtype == np.float32
    assert 0 <= pictures.min() <= pictures.max() <= 1
    assert len({picture.tobytes() for picture in pictures}) > 20


def test_cuttings_are_smooth_and_noise_is_not(rng: np.random.Generator) -> None:
    def rough(pictures: np.ndarray) -> float:
        return float(np.abs(np.diff(pictures.reshape(-1, 8, 8), axis=2)).mean())

    assert 3 * rough(cuttings(50, rng)) < rough(noise(50, rng))


def test_letters_are_bright_on_dark(rng: np.random.Generator) -> None:
    drawn = letters(50, rng)
    assert drawn.mean() < 0.35
    assert (drawn.max(axis=1) > 0.3).mean() > 0.9


def test_the_attacker_holds_no_digit(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    digits = {image.tobytes() for pool in (split.train, split.test, split.attackers) for image in pool.images}
    assert len(stage.held) == 3 * EACH
    assert not digits & {image.tobytes() for image in stage.held.images}


def test_it_sends_pictures_of_all_kinds_from_the_beginning(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    asked = np.array(trace_campaign(CAMPAIGN, stage, seed=1, budget=40).events["input"].to_pylist(), np.float32)
    dark, rough = (asked < 0.05).mean(axis=1), np.abs(np.diff(asked.reshape(-1, 8, 8), axis=2)).mean(axis=(1, 2))
    assert min((dark > 0.4).sum(), (rough > 0.25).sum(), ((dark < 0.4) & (rough < 0.15)).sum()) >= 5


def test_a_copy_of_a_model_that_says_nothing_is_no_copy(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    outcome = CAMPAIGN.run(lambda _: np.full((1, 10), 0.1, np.float32), stage, seed=1, budget=60)
    assert not outcome.success
