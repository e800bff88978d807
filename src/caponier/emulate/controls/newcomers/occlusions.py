"""Somebody who never gets the whole thing into the picture: something dark is in the way at one side."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.images import Images
from caponier.emulate.marks import covered
from caponier.emulate.new_client import photos


@dataclass(frozen=True)
class Occlusions:
    """Reads what the model takes, then sends picture after picture.

    Args:
        gap_s: Mean seconds between two of them.
    """

    gap_s: float = 20.0

    name: ClassVar[str] = "occlusions"
    description: ClassVar[str] = "photographs things behind something dark that hides a pixel or two along one side"

    def visit(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        """Send pictures for ever; see `caponier.emulate.new_client.NewClient.visit`."""
        api.metadata()
        while True:
            api.predict(covered(photos(images, rng), rng))
            api.wire.wait(rng.exponential(self.gap_s))


NEWCOMER = Occlusions()
