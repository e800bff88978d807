"""A monitor: asks whether the model is ready every ten seconds, and now and then for a prediction."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.images import Images
from caponier.emulate.new_client import photos


@dataclass(frozen=True)
class HealthCheck:
    """Asks by the clock.

    Args:
        every_s: Seconds between two questions.
        predicts: Every how many questions a prediction is asked for.
    """

    every_s: float = 10.0
    predicts: int = 12

    name: ClassVar[str] = "health_check"
    description: ClassVar[str] = (
        "a monitor: ready every ten seconds, a prediction every two minutes, metadata every hour"
    )

    def visit(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        """Ask for ever; see `caponier.emulate.new_client.NewClient.visit`."""
        known, turn = photos(images, rng), 0
        while True:
            if turn % 360 == 0:
                api.metadata()
            if turn % self.predicts == 0:
                api.predict(known)
            api.ready()
            api.wire.wait(self.every_s)
            turn += 1


NEWCOMER = HealthCheck()
