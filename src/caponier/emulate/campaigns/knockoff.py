"""Extraction with other people's pictures: a knockoff net (Orekondy, Schiele, Fritz 2019).

The attacker has no image of the kind that the model is for, and sends what is at hand: cuttings of photographs, letters
in any hand, and noise. The answers say enough about the model all the same.
"""

import string
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from caponier.emulate.attacker.extraction import Copying, Extraction
from caponier.emulate.campaign import CampaignStage
from caponier.emulate.images import FEATURES, SIDE, Images
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim
from caponier.extras import needs

EACH = 400
"""Pictures of each kind."""
CUTTING = (8, 64)
"""Least and greatest side of a cutting, in pixels of the photograph."""
GLYPH = (10, 18)
"""Least and greatest size of a letter, in pixels of a canvas twice as wide as what is sent."""


@dataclass(frozen=True)
class Knockoff(Extraction):
    """Sends pictures from elsewhere and trains a copy on the answers.

    Args:
        agreement: Share of held-out images to which the copy must give the victim's answer.
        budget: Most queries altogether.
    """

    agreement: float = 0.7
    budget: int = 3 * EACH

    name: ClassVar[str] = "knockoff"
    description: ClassVar[str] = (
        "Knockoff: copies the model with cuttings of photographs, letters and noise; a success if the copy answers as "
        "the model does on seven of ten held-out images"
    )
    gap_s: ClassVar[float] = 0.5

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Give the attacker pictures from elsewhere; nobody can say what they show, so their classes are all 0."""
        rng = np.random.default_rng(seed)
        pictures = np.concatenate([cuttings(EACH, rng), letters(EACH, rng), noise(EACH, rng)])
        held = Pool(pictures[rng.permutation(len(pictures))], np.zeros(len(pictures), np.int64))
        return CampaignStage.on(split, seed, victim, held)

    def take(self, copying: Copying, stage: CampaignStage, seed: int) -> None:
        """Ask for pictures from elsewhere; see `caponier.emulate.attacker.extraction.Extraction`."""
        del seed
        copying.ask(stage.held.images)


def noise(n: int, rng: np.random.Generator) -> Images:
    """Return images (n, 64) of which every pixel is drawn by itself."""
    return rng.random((n, FEATURES), dtype=np.float32)


def cuttings(n: int, rng: np.random.Generator) -> Images:
    """Cut squares out of two photographs, grey and in the size of what the model takes; (n, 64)."""
    made = np.empty((n, FEATURES), np.float32)
    photos = _photographs()
    for at in range(n):
        photo, side = photos[rng.integers(len(photos))], int(rng.integers(*CUTTING, endpoint=True)) // SIDE * SIDE
        top, left = rng.integers(0, np.array(photo.shape) - side, endpoint=True)
        square = photo[top : top + side, left : left + side]
        made[at] = square.reshape(SIDE, side // SIDE, SIDE, side // SIDE).mean(axis=(1, 3)).ravel()
    return made


def letters(n: int, rng: np.random.Generator) -> Images:
    """Draw letters, bright on dark as the digits are; (n, 64)."""
    with needs("emulate", "Drawing letters"):
        from PIL import Image, ImageDraw, ImageFont
    made = np.empty((n, FEATURES), np.float32)
    for at in range(n):
        canvas = Image.new("L", (2 * SIDE, 2 * SIDE))
        letter, size = rng.choice(list(string.ascii_letters)), int(rng.integers(*GLYPH, endpoint=True))
        place = tuple(rng.uniform(0, SIDE, 2))
        ImageDraw.Draw(canvas).text(place, letter, fill=255, font=ImageFont.load_default(size), anchor="lt")
        pixels = np.asarray(canvas, np.float32) / 255
        made[at] = pixels.reshape(SIDE, 2, SIDE, 2).mean(axis=(1, 3)).ravel()
    return made


@lru_cache(maxsize=1)
def _photographs() -> tuple[Images, ...]:
    """Return the two photographs that come with scikit-learn, grey, values in 0..1."""
    with needs("emulate", "Cutting photographs"):
        from sklearn.datasets import load_sample_images
    return tuple(np.asarray(photo, np.float32).mean(axis=2) / 255 for photo in load_sample_images().images)


CAMPAIGN = Knockoff()
