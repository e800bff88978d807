"""A client that does not give up in an outage: the same request again, with growing pauses, until it is answered."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.images import Images
from caponier.emulate.new_client import photos

LONGEST_S: Final = 60.0
"""No pause between two tries is longer."""


@dataclass(frozen=True)
class OutageRetrier:
    """Tries again.

    Args:
        first_s: The first pause after a failure; each further one is twice as long.
    """

    first_s: float = 0.5

    name: ClassVar[str] = "outage_retrier"
    description: ClassVar[str] = (
        "a client that tries again in an outage: many answers 503, and metadata to see whether the model is there"
    )

    def visit(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        """Ask for ever; see `caponier.emulate.new_client.NewClient.visit`."""
        while True:
            photo, pause, tries = photos(images, rng), self.first_s, 0
            while not api.predict(photo).good:
                tries += 1
                if tries == 4:
                    api.metadata()
                api.wire.wait(pause)
                pause = min(2 * pause, LONGEST_S)
            api.wire.wait(rng.exponential(60))


NEWCOMER = OutageRetrier()
