"""A camera that puts the same mark into the corner of all its pictures."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.images import Images
from caponier.emulate.marks import stamped
from caponier.emulate.new_client import photos


@dataclass(frozen=True)
class Stamps:
    """Reads what the model takes, then sends picture after picture.

    Args:
        gap_s: Mean seconds between two of them.
    """

    gap_s: float = 20.0

    name: ClassVar[str] = "stamps"
    description: ClassVar[str] = "a camera that puts the same mark into the upper left corner of every picture it sends"

    def visit(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        """Send pictures for ever; see `caponier.emulate.new_client.NewClient.visit`."""
        api.metadata()
        while True:
            api.predict(stamped(photos(images, rng)))
            api.wire.wait(rng.exponential(self.gap_s))


NEWCOMER = Stamps()
