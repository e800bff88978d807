"""What a model detector is: something that looks at a network, read out of its file as numbers, and never loads it.

What is judged are weights and answers. The answers are computed by Caponier's own arithmetic (`detect.networks`), so
that neither the file nor the library that wrote it ever runs. A file is looked at only once the scan of files called it
clean.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from caponier.detect.detector import Confidence
from caponier.matrix.technique import TechniqueId

if TYPE_CHECKING:
    # Whoever scans a log asks the same registry for its detectors, and reads no model.
    from caponier.detect.networks.network import Network
    from caponier.detect.networks.stored_tensors import Floats
    from caponier.detect.networks.trigger_synthesis import Synthesised


@dataclass(frozen=True, eq=False)
class Samples:
    """A few clean rows that the model's owner vouches for.

    Args:
        x: (n, d) as the model takes them.
        labels: (n,) their classes by the model's own numbers.
        shape: Of one row, such as (28, 28); empty where it has none.
    """

    x: "Floats"
    labels: NDArray[np.int64]
    shape: tuple[int, ...] = ()

    @property
    def picture(self) -> bool:
        """Whether the features of a row are pixels."""
        return len(self.shape) >= 2


@dataclass(frozen=True, eq=False)
class ReadModel:
    """A network and what is known beside it."""

    network: "Network"
    samples: Samples | None
    """None where the user gave none."""
    features: int
    """Of one row."""

    @property
    def picture(self) -> bool:
        """Whether the features of a row are pixels, as far as is known."""
        return self.samples is not None and self.samples.picture


@dataclass(frozen=True, eq=False)
class ModelAnalysis:
    """What one detector says of one model."""

    score: float
    """The larger, the more suspicious."""
    limit: float
    """From which score on it is a finding."""
    target: int | None
    """The class that stands out."""
    summary: str
    facts: dict[str, Any] = field(default_factory=dict)
    confidence: float = 0.0
    """From 0 to the detector's cap."""
    trigger: "Synthesised | None" = None
    """What turns rows into the class, if it was made."""
    silent: str | None = None
    """Why the detector cannot speak; nothing of that counts as clean."""

    @property
    def flagged(self) -> bool:
        """Whether this is a finding."""
        return self.silent is None and self.score >= self.limit


@runtime_checkable
class ModelDetector(Protocol):
    """A detector over models: one file in `detect/models`, found by the registry under `name`."""

    name: str
    statistic: str
    """What a finding's value counts."""
    techniques: tuple[TechniqueId, ...]
    version: int
    max_confidence: Confidence
    emulations: tuple[str, ...]
    """Poisons whose victims it must find."""
    controls: tuple[str, ...]
    """Harmless data sets on whose models it must stay silent."""

    def analyse(self, model: ReadModel) -> ModelAnalysis:
        """Judge a network; MUST give the same answer every time, and MUST NOT change it."""
        ...


def silent(why: str) -> ModelAnalysis:
    """Return what a detector says that cannot speak."""
    return ModelAnalysis(0.0, float("inf"), None, "", silent=why)
