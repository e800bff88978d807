"""A reviewer's tool: it asks for an explanation of every decision that is to be looked at."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.images import Images
from caponier.emulate.new_client import photos


@dataclass(frozen=True)
class Auditor:
    """Explains decisions.

    Args:
        explained: Share of the predictions that are explained.
        wrong: Share of the requests for explanations that ask for too much at once.
    """

    explained: float = 0.7
    wrong: float = 0.01

    name: ClassVar[str] = "auditor"
    description: ClassVar[str] = (
        "a reviewer's tool: metadata at the start, then predictions, most of them explained, one in a hundred wrongly"
    )

    def visit(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        """Review for ever; see `caponier.emulate.new_client.NewClient.visit`."""
        api.metadata()
        while True:
            photo = photos(images, rng)
            api.predict(photo)
            if rng.random() < self.explained:
                api.explain(np.repeat(photo, 20, axis=0) if rng.random() < self.wrong else photo)
            api.wire.wait(rng.exponential(30))


NEWCOMER = Auditor()
