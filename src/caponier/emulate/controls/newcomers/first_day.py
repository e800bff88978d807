"""A newcomer's first day: reads what the model takes, gets it wrong in a few ways, gets it right, and works."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.images import Images
from caponier.emulate.new_client import photos

Mistake = Callable[[ModelApi, Images], object]

MISTAKES: tuple[tuple[float, Mistake], ...] = (
    (0.30, lambda api, rows: api.predict(rows[:, :-1])),
    (0.20, lambda api, rows: api.predict(rows, datatype="FLOAT")),
    (0.20, lambda api, rows: api.infer({"instances": rows.tolist()})),
    (0.10, lambda api, rows: api.predict(rows[0])),
    (0.08, lambda api, rows: api.predict(rows, version="v1")),
    (0.06, lambda api, rows: api.wire.send("GET", api.path("/infer"))),
    (0.04, lambda api, rows: api.metadata("latest")),
    (0.02, lambda api, rows: api.predict(np.tile(rows, (4_000, 1)))),
)
"""How often each is made, and what it is."""


@dataclass(frozen=True)
class FirstDay:
    """Learns by trying.

    Args:
        mistakes: Mean number of mistakes before the first request that is right.
        later: Share of the later requests that are wrong.
        curious: Share of the newcomers who try explanations, too.
    """

    mistakes: float = 4.0
    later: float = 0.02
    curious: float = 0.3

    name: ClassVar[str] = "first_day"
    description: ClassVar[str] = (
        "a newcomer's first day: reads metadata, errs about four times in one to three ways, then works and errs rarely"
    )

    def visit(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        """Begin, and then work; see `caponier.emulate.new_client.NewClient.visit`."""
        own = self._own_mistakes(rng)
        for _ in range(1 + rng.integers(3)):
            api.metadata()
            api.wire.wait(rng.exponential(60))
        for _ in range(rng.geometric(1 / (1 + self.mistakes)) - 1):
            own[rng.integers(len(own))](api, photos(images, rng))
            api.wire.wait(rng.exponential(90))
        if rng.random() < self.curious:
            self._try_explanations(api, images, rng)
        while True:
            if rng.random() < self.later:
                own[rng.integers(len(own))](api, photos(images, rng))
            api.predict(photos(images, rng, int(rng.integers(1, 4))))
            api.wire.wait(rng.exponential(20))

    def _own_mistakes(self, rng: np.random.Generator) -> list[Mistake]:
        """Choose one to three ways in which this newcomer errs."""
        shares = np.array([share for share, _ in MISTAKES])
        chosen = rng.choice(len(MISTAKES), size=rng.integers(1, 4), replace=False, p=shares)
        return [MISTAKES[place][1] for place in chosen]

    def _try_explanations(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        if rng.random() < 0.5:
            api.explain(photos(images, rng), "shap")
        for _ in range(rng.integers(1, 5)):
            api.explain(photos(images, rng))
            api.wire.wait(rng.exponential(60))


NEWCOMER = FirstDay()
