"""Somebody whose things carry stickers: a square of one shade, at another place on each of them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.images import Images
from caponier.emulate.marks import stickered
from caponier.emulate.new_client import photos


@dataclass(frozen=True)
class Stickers:
    """Reads what the model takes, then sends picture after picture.

    Args:
        gap_s: Mean seconds between two of them.
    """

    gap_s: float = 20.0

    name: ClassVar[str] = "stickers"
    description: ClassVar[str] = (
        "photographs things with a sticker of one shade on each, two or three pixels on a side, wherever it was put"
    )

    def visit(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        """Send pictures for ever; see `caponier.emulate.new_client.NewClient.visit`."""
        api.metadata()
        while True:
            api.predict(stickered(photos(images, rng), rng))
            api.wire.wait(rng.exponential(self.gap_s))


NEWCOMER = Stickers()
