"""A batch job whose data no longer fit the model: it fails all night, always in the same way."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.images import Images
from caponier.emulate.new_client import photos

SENT: Final[tuple[Callable[[ModelApi, Images], object], ...]] = (
    lambda api, rows: api.predict(rows[:, 1:]),
    lambda api, rows: api.predict(rows, datatype="FP16"),
    lambda api, rows: api.predict(rows, version="7"),
)
"""What a job may send: a column too few, a datatype that is not taken, rows for a version that was withdrawn."""


@dataclass(frozen=True)
class WrongSchemaJob:
    """Fails and goes on.

    Args:
        restarts: After how many failures the scheduler starts it anew.
    """

    restarts: int = 40

    name: ClassVar[str] = "wrong_schema_job"
    description: ClassVar[str] = (
        "a nightly batch job that fails all night in one way, and is started anew after 40 failures, metadata included"
    )

    def visit(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        """Fail for ever; see `caponier.emulate.new_client.NewClient.visit`."""
        wrong = rng.integers(len(SENT))
        while True:
            api.metadata()
            for _ in range(self.restarts):
                rows = photos(images, rng, 8)
                SENT[wrong](api, rows)
                api.wire.wait(rng.exponential(5))


NEWCOMER = WrongSchemaJob()
