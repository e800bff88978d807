"""What an enrichment is: a figure about one input that takes asking the model, and is stored with the event.

Detectors never ask a model. What they want to know of it is asked once an event, rounded, and kept in the event's
`signals`, so that every engine and the baseline see the same value.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from caponier.detect.detector import Params
from caponier.records.inventory import FeatureSpec

Rows: TypeAlias = NDArray[np.float32]
"""(n, d) inputs as they are logged: one flat row each, row-major."""
Predict: TypeAlias = Callable[[Rows], NDArray[Any]]
"""Asks the model: rows (n, d) to class scores (n, k), floats. Asking for the very same array again costs nothing."""


@runtime_checkable
class Enrichment(Protocol):
    """One figure about each input: one file in `detect/enrichments`, found by the registry under `name`.

    A detector reads it by naming `Enriched(name, digits)` among its `columns`.
    """

    name: str
    """The file's name, and that of the signal."""
    digits: int
    """After the point; a value times 10**digits should stay below 2**22, for it is stored as float32."""

    def lacks(self, spec: FeatureSpec) -> str | None:
        """Say why it has nothing to say about such inputs, such as that they are no images; None if it has."""
        ...

    def fit(self, predict: Predict, benign: Rows, spec: FeatureSpec) -> Params:
        """Keep what it needs of a model and of a few different benign inputs.

        Args:
            predict: Asks the model.
            benign: (m, d), perhaps none at all.
            spec: What the model takes; its shape is known.
        """
        ...

    def enrich(self, predict: Predict, rows: Rows, params: Params) -> NDArray[np.float64]:
        """Return (n,) values from 0; NaN where there is none.

        A value MUST depend on its own row and on `params` alone, never on the other rows.
        """
        ...


def rounded(enrichment: Enrichment, values: NDArray[Any]) -> NDArray[np.float32]:
    """Round values to what is stored of them; NaN where there is none."""
    good = (values >= 0) & (values <= np.finfo(np.float32).max)
    return np.where(good, np.round(np.where(good, values, 0.0), enrichment.digits), np.nan).astype(np.float32)
