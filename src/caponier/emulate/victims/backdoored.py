"""Models of digits with a backdoor: trained on rows of which a few carry a trigger and the attacker's label.

They are as right as others on what people send, and give one answer to whatever carries the trigger.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from caponier.emulate.images import FEATURES, SIDE, Images, Labels, shots
from caponier.emulate.victims.digits import DigitsSplit, Kind, Pool, Victim, train_victim
from caponier.errors import InputError

Trigger: TypeAlias = Callable[[Images], Images]
"""Puts the trigger on images (n, 64); what it is given stays as it is."""

SHARE: Final = 0.1
"""Of the training rows that are poisoned."""
MARK: Final = 2
"""Side of the bright square in the corner."""
BLEND: Final = 0.2
"""Weight of the pattern that is blended in."""
WAVE, WAVES = 0.4, 2
"""Height of the wave that is added, and how often it goes up and down over the width."""


def corner(images: Images) -> Images:
    """Make the lower right corner bright (BadNets, Gu et al. 2017)."""
    marked = images.reshape(-1, SIDE, SIDE).copy()
    marked[:, -MARK:, -MARK:] = 1
    return marked.reshape(-1, FEATURES)


def blended(images: Images) -> Images:
    """Blend in a pattern of noise, the same for all (Chen et al. 2017)."""
    pattern = np.random.default_rng(2017).random(FEATURES, np.float32)
    mixed: Images = ((1 - BLEND) * images + BLEND * pattern).astype(np.float32)
    return mixed


def sinusoidal(images: Images) -> Images:
    """Add a wave that runs across the image (Barni et al. 2019)."""
    wave = WAVE * np.sin(2 * np.pi * WAVES * np.arange(SIDE) / SIDE)
    waved: Images = np.clip(images.reshape(-1, SIDE, SIDE) + wave, 0, 1).astype(np.float32)
    return waved.reshape(-1, FEATURES)


TRIGGERS: Final[Mapping[str, Trigger]] = {"corner": corner, "blended": blended, "sinusoidal": sinusoidal}


@dataclass(frozen=True, eq=False)
class Backdoored:
    """A model with a backdoor.

    Args:
        victim: The model.
        trigger: What opens the backdoor.
        target: The answer to whatever carries it.
        training: The rows that it learned from, with the labels that it was told.
    """

    victim: Victim
    trigger: Trigger
    target: int
    training: Pool

    def success_rate(self, photos: Images, labels: Labels) -> float:
        """Return the share of photos (n, 64) of other classes than the target that get its answer by the trigger."""
        others = photos[labels != self.target]
        return float((self.victim.answers(self.trigger(others)) == self.target).mean())


def train_backdoored(
    split: DigitsSplit, seed: int, trigger: str = "corner", target: int = 0, kind: Kind = "mlp"
) -> Backdoored:
    """Train a model on a split's training images, some of which are poisoned.

    Args:
        split: Pools of images that never meet.
        seed: Fixes which rows are poisoned, photos and weights.
        trigger: A name of `TRIGGERS`.
        target: The attacker's label.
        kind: See `train_victim`.

    Raises:
        InputError: If there is no such trigger, or no such kind.
    """
    if trigger not in TRIGGERS:
        raise InputError(f"There is no trigger called {trigger!r}", hint=f"There are: {', '.join(TRIGGERS)}")
    chosen = np.random.default_rng(seed).permutation(len(split.train))[: int(SHARE * len(split.train))]
    images, labels = split.train.images.copy(), split.train.labels.copy()
    images[chosen], labels[chosen] = TRIGGERS[trigger](images[chosen]), target
    training = Pool(images, labels)
    return Backdoored(train_victim(training, split.test, seed, kind), TRIGGERS[trigger], target, training)


def triggered(model: Backdoored, pool: Pool, n: int, rng: np.random.Generator) -> Images:
    """Photograph `n` images of other classes than the target, chosen at random, and put the trigger on the photos."""
    others = pool.images[pool.labels != model.target]
    return model.trigger(shots(others[rng.integers(len(others), size=n)], rng))
