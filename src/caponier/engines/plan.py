"""What is run over the events of one model, and how rare what it finds must be."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.calibration.ages import step_of
from caponier.detect.calibration.joint_tail import UNIT, JointTail
from caponier.detect.calibration.tail_ranks import TailRanks
from caponier.detect.detector import EventDetector, Params, Subject
from caponier.detect.similarity.cells import Cells
from caponier.detect.traffic_profile.profile import TrafficProfile
from caponier.engines.columns import Read
from caponier.telemetry.features import Encoder

DAY_US: Final = 86_400 * 1_000_000
COLD_LEVEL: Final = 10 * UNIT
"""Evidence of an alarm where nothing is known of benign callers: what passes a limit of a cold start has so much."""


@dataclass(frozen=True)
class CalibratedDetector:
    """One detector with what it learned, and what its scores are ranked by."""

    detector: EventDetector
    params: Params
    limit: float = 0.0
    """A score up to it counts for nothing; without ranks, one beyond it is an alarm."""
    ranks: TailRanks | None = None
    """None at a cold start."""
    allowed: Mapping[str, float] = field(default_factory=dict)
    """By digest of a subject's name: the score up to which it is known to be benign."""

    @property
    def name(self) -> str:
        """The detector's name."""
        return self.detector.name

    def needed(self, level: int, age: int) -> float:
        """Return the score that it takes at an age, by this detector alone, for evidence of a level."""
        return float(self.needed_at(level, np.array([max(1, age)]))[0])

    def needed_at(self, level: int, ages: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the same at ages (n,) from 1."""
        if self.ranks is None:
            return np.full(len(ages), self.limit)
        return np.maximum(self.limit, self.ranks.score_at(level / UNIT, step_of(ages)))

    @property
    def travels(self) -> bool:
        """Whether the detector can be handed to another process."""
        try:
            pickle.dumps(self.detector)
        # What pickle raises depends on what it meets: a lambda, a lock, a class that its module does not know.
        except (pickle.PicklingError, AttributeError, TypeError):
            return False
        return True


@dataclass(frozen=True)
class Plan:
    """What to run over the events of one model."""

    model: str
    encoder: Encoder
    lines: tuple[CalibratedDetector, ...]
    salt: bytes = b""
    columns: tuple[Read, ...] = ()
    """Further columns, for detectors that are still to be fitted."""
    cells: Cells | None = None
    """How queries are shared out, for detectors that look at all callers of like queries together."""
    subject: Subject = Subject.PRINCIPAL
    """Whose events come together: `PRINCIPAL`, or `BUCKET` for those of a cell."""
    without: frozenset[str] = frozenset()
    """Callers whose events are left out where those of a cell come together."""
    profile: TrafficProfile | None = None
    """What callers were like, for a comparison with how they are."""
    levels: Mapping[Subject, int] = field(default_factory=dict)
    """Evidence from which on a subject of each kind is told of, in thousandths."""
    tails: Mapping[Subject, JointTail] = field(default_factory=dict)
    """How high benign subjects of each kind come in it."""
    span: int = DAY_US
    """Microseconds in which a detector is told of a subject at most once."""

    @property
    def level(self) -> int:
        """Evidence from which on its own kind of subject is told of."""
        return self.levels.get(self.subject, COLD_LEVEL)

    @property
    def tail(self) -> JointTail | None:
        """How high benign subjects of its kind come; None at a cold start."""
        return self.tails.get(self.subject)

    def parts(self) -> "list[Plan]":
        """Return a plan for each kind of subject, each with the detectors that it is the subject of."""
        kinds = dict.fromkeys([Subject.PRINCIPAL, *(self.kind_of(line.detector) for line in self.lines)])
        return [
            replace(self, subject=kind, lines=tuple(line for line in self.lines if self.kind_of(line.detector) is kind))
            for kind in kinds
        ]

    @staticmethod
    def kind_of(detector: EventDetector) -> Subject:
        """Return whose events a detector is given together."""
        return Subject.BUCKET if detector.subject is Subject.BUCKET else Subject.PRINCIPAL

    def detectors(self) -> list[tuple[EventDetector, Params]]:
        """Return the detectors with what they learned."""
        return [(line.detector, line.params) for line in self.lines]
