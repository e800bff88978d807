"""Many users behind one service key: their work, their mistakes and their questions, all under one name."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.controls.newcomers.first_day import MISTAKES
from caponier.emulate.images import Images
from caponier.emulate.new_client import photos


@dataclass(frozen=True)
class ServiceKey:
    """Passes on what its users send.

    Args:
        wrong: Share of the requests that are wrong, in any of the ways in which newcomers err.
        asks: Share of the requests for metadata, and as many for explanations.
    """

    wrong: float = 0.03
    asks: float = 0.04

    name: ClassVar[str] = "service_key"
    description: ClassVar[str] = (
        "many users behind one key: 3 % of the requests are wrong, 4 % ask for metadata, 4 % for explanations"
    )

    def visit(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        """Pass requests on for ever; see `caponier.emulate.new_client.NewClient.visit`."""
        shares = np.array([share for share, _ in MISTAKES])
        while True:
            photo, turn = photos(images, rng), rng.random()
            if turn < self.wrong:
                MISTAKES[rng.choice(len(MISTAKES), p=shares)][1](api, photo)
            elif turn < self.wrong + self.asks:
                api.metadata()
            elif turn < self.wrong + 2 * self.asks:
                api.explain(photo)
            else:
                api.predict(photo)
            api.wire.wait(rng.exponential(1))


NEWCOMER = ServiceKey()
