"""An A/B test: every photo is asked of the usual version and of a named one, which is not there at times."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.images import Images
from caponier.emulate.new_client import photos


@dataclass(frozen=True)
class AbTester:
    """Compares two arms.

    Args:
        afresh: After how many photos both arms are described anew.
        missing: Share of those rounds in which the second arm is not deployed.
    """

    afresh: int = 25
    missing: float = 0.25

    name: ClassVar[str] = "ab_tester"
    description: ClassVar[str] = (
        "an A/B test: metadata of two versions every 25 photos, each photo asked of both; one is missing at times"
    )

    def visit(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        """Compare for ever; see `caponier.emulate.new_client.NewClient.visit`."""
        while True:
            other = "2" if rng.random() < self.missing else "1"
            api.metadata()
            there = api.metadata(other).good
            for _ in range(self.afresh):
                photo = photos(images, rng)
                api.predict(photo)
                if there or rng.random() < 0.2:
                    api.predict(photo, version=other)
                api.wire.wait(rng.exponential(15))


NEWCOMER = AbTester()
