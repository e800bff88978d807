"""A job with a client library that reads the metadata at each start, and is started often."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.images import Images
from caponier.emulate.new_client import photos


@dataclass(frozen=True)
class SdkClient:
    """Starts, asks a little, and ends.

    Args:
        requests: Fewest and most predictions between two starts.
    """

    requests: tuple[int, int] = (1, 30)

    name: ClassVar[str] = "sdk_client"
    description: ClassVar[str] = (
        "a client library: ready and metadata at each start, then 1 to 30 predictions, then the next start"
    )

    def visit(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        """Start for ever; see `caponier.emulate.new_client.NewClient.visit`."""
        while True:
            api.ready()
            api.metadata()
            for _ in range(rng.integers(*self.requests, endpoint=True)):
                api.predict(photos(images, rng, int(rng.integers(1, 6))))
                api.wire.wait(rng.exponential(2))
            api.wire.wait(rng.exponential(600))


NEWCOMER = SdkClient()
