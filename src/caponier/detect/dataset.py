"""What a detector over data sets is: something that scores labelled rows, and says which are wrong.

Unlike events, rows have no order and no subject that sends them. So a data-set detector sees the whole set at once,
and its answer must not depend on the order in which the rows come: whatever it draws by lot is drawn by row id.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from caponier.detect.detector import Confidence
from caponier.matrix.technique import TechniqueId
from caponier.telemetry.labelled_data.dataset import Dataset

NOTHING = -1
"""Stands in `suggested` for a row to which the detector would give no other label."""
UNTOLD = 5
"""Moved labels of a source that cannot be told, from which it is said what to do about them."""


@dataclass(frozen=True, eq=False)
class SourceShare:
    """How much of one contributor's part of a data set was flagged."""

    source: str
    rows: int
    flagged: int
    elsewhere: float
    """Share flagged among the rows of all other sources."""
    stands_out: bool
    """Whether so many flagged rows are more than chance and much more than elsewhere."""
    moved: float = 0.0
    """How many of its labels were moved, by estimate, where that was measured; rows that are not flagged count, too."""
    untold: float = 0.0
    """How many of these are not flagged, since each of them looks as a right one does."""

    @property
    def advice(self) -> str:
        """What is to be done about labels that were moved and cannot be told one by one; empty if there are few."""
        if round(self.untold) < UNTOLD:
            return ""
        return (
            f"source {self.source!r} moved about {self.moved:,.0f} of its {self.rows:,} labels, and about "
            f"{self.untold:,.0f} of these cannot be told from right ones: review all of its rows, or hold them back"
        )


@dataclass(frozen=True, eq=False)
class FoundTrigger:
    """A trigger as it was made out from the rows that carry it, to be tried on other rows.

    Args:
        label: Position in the data set's classes of what it is to be answered with.
        added: (d,) what is added to the features, or what they are set to.
        fixed: (d,) which features are set.
        low: The least value of a feature that is added to, and the greatest: a picture has no more light than white.
        high: See `low`.
    """

    label: int
    added: NDArray[np.float64]
    fixed: NDArray[np.bool_]
    low: float
    high: float

    def put_on(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rows (m, d) with the trigger."""
        marked: NDArray[np.float64] = np.where(self.fixed, self.added, np.clip(x + self.added, self.low, self.high))
        return marked


@dataclass(frozen=True, eq=False)
class Analysis:
    """What one detector says of one data set; arrays are in the order of its rows."""

    scores: NDArray[np.float64]
    """(n,) the larger, the more suspicious; NaN where the detector cannot speak."""
    flagged: NDArray[np.bool_]
    """(n,)"""
    suggested: NDArray[np.int64]
    """(n,) position in the data set's classes, or NOTHING."""
    summary: str
    facts: dict[str, Any]
    confidence: float
    """From 0 to the detector's cap."""
    reasons: tuple[str, ...] = ()
    """Why this is worth a finding; none where the flagged rows are no more than what every data set has."""
    sources: tuple[SourceShare, ...] = ()
    triggers: tuple[FoundTrigger, ...] = ()
    """What rows were flagged for, where that can be put on other rows to see what it does."""
    silent: tuple[str, ...] = field(default=())
    """What the detector could not judge, and why; nothing of it counts as clean."""


@runtime_checkable
class DatasetDetector(Protocol):
    """A detector over data sets: one file in `detect/datasets`, found by the registry under `name`."""

    name: str
    """The file's name, and the key of its settings."""
    statistic: str
    """What the finding's value counts."""
    techniques: tuple[TechniqueId, ...]
    version: int
    max_confidence: Confidence
    emulations: tuple[str, ...]
    """Poisons that it must find."""
    controls: tuple[str, ...]
    """Harmless data sets on which it must stay (nearly) silent."""

    def analyse(self, dataset: Dataset) -> Analysis:
        """Judge every row; MUST NOT depend on the order of the rows, and MUST give the same answer every time."""
        ...


def lots(ids: tuple[str, ...], purpose: str) -> NDArray[np.uint64]:
    """Draw a lot for each row from its id alone: the same row draws the same lot wherever it stands.

    Args:
        ids: The rows.
        purpose: Keeps the lots of one purpose independent of those of another.

    Returns:
        (n,) evenly spread 64-bit numbers.
    """
    key = purpose.encode()
    drawn = b"".join(hashlib.blake2b(row.encode(), digest_size=8, key=key).digest() for row in ids)
    return np.frombuffer(drawn, "<u8").astype(np.uint64)
