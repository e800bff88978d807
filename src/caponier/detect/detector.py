"""What a detector is: something that turns events and a small state into scores.

A detector never sees the log as a whole and never decides that something is an alarm. The engine ranks its scores among
benign subjects of the same age, and what all detectors say of a subject once more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.matrix.technique import TechniqueId

Params = Mapping[str, NDArray[Any]]
"""What a detector learned from benign traffic: named arrays, read only, kept in the baseline file."""

State = NDArray[Any]
"""(s,) structured rows, one a subject."""

Scores = NDArray[np.int64]
"""(n,) one score an event; whole numbers, so that sums do not depend on how a stream was cut."""


class Subject(StrEnum):
    """What a detector keeps state for."""

    PRINCIPAL = "principal"
    MODEL = "model"
    BUCKET = "bucket"
    SOURCE = "source"
    ASSET = "asset"


class Counts(StrEnum):
    """What a detector scores, and what a subject's age is counted in for it."""

    QUERIES = "queries"
    """Different queries: exact repeats are no new evidence."""
    EVENTS = "events"
    """Every event, repeats and those without an input included."""
    WINDOWS = "windows of ten seconds"
    """Every event is scored, and the subject is as old as the stretches of ten seconds in which it asked anything: a
    rate must not grow rarer by coming sooner, nor be excused by how much was sent."""


class Signal(StrEnum):
    """A column without which a detector cannot speak."""

    PRINCIPAL = "principal"
    INPUT = "input"
    LABEL = "label"
    SCORES = "scores"
    STATUS = "status"
    COST = "cost"
    FEEDBACK = "feedback"
    BASELINE = "baseline"
    """A baseline of benign traffic: the detector has no priors for a cold start."""
    TRAINING_SET = "training_set"
    """A sketch of the training set in the baseline: among the detector's parameters, see `detect.sketch`."""


class Column(StrEnum):
    """What a detector may read of an event beside input and answer; each is a signal (n,) of the same name."""

    OPERATION = "operation"
    """uint8, place of the operation in `OPERATIONS`."""
    STATUS = "status"
    """int64 HTTP status, 0 where there is none."""
    COST = "cost"
    """int64 thousandths of the operator's unit, -1 where there is none."""
    SIZE = "size"
    """int64 characters of a text as it came, -1 where there is none, or what came is a row."""
    TOP_SCORE = "top_score"
    """int64 ten-thousandths of the answer's score, -1 where there is none."""
    SURENESS = "sureness"
    """int64 the answer's score on a scale of 65,536 steps that tells scores close to 1 and to 0 apart, and never swaps
    two; -1 where there is none. An answer that is a number and has no score is its own. For what depends on the order
    of scores alone."""
    FEEDBACK = "feedback"
    """uint64 code of the label that was sent back, as that of `label`; 0 where there is none."""


@dataclass(frozen=True, slots=True, order=True)
class Enriched:
    """The stored result of an enrichment, read as a signal (n,) of the same name: see `detect.enrichment`.

    The signal is int64, in units of the last digit that was kept; -1 where the enrichment was not made.
    """

    name: str
    digits: int
    """After the point."""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"{self.name!r} is no name of an enrichment")

    def __str__(self) -> str:
        return self.name


OPERATIONS: Final = ("other", "predict", "explain", "metadata", "feedback", "load", "unload", "health")


class Confidence(StrEnum):
    """How sure a finding of a detector can be at most."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def cap(self) -> float:
        """The largest confidence of this grade, from 0 to 1."""
        return {"low": 0.39, "medium": 0.69, "high": 0.99}[self.value]


class Structure(StrEnum):
    """What of an attack a detector sees, rather than what is rare about a caller; see `calibration.structure`.

    A detector that sees some says so in an attribute `shows`. Detectors of one kind see the same in benign callers.
    """

    SEARCH = "a search in small steps"
    FOREIGN = "inputs that benign callers do not send"
    TRAINING = "rows that the model learned from"
    PROBING = "questions about the model itself"


def shown_by(detector: Any) -> Structure | None:
    """Return what of an attack a detector sees; None if it says nothing of that, or what is none of `Structure`."""
    shows = getattr(detector, "shows", None)
    return shows if isinstance(shows, Structure) else None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Plain words for a finding, and the figures behind them."""

    summary: str
    facts: dict[str, Any]
    rows: NDArray[np.int64]
    """Rows of the explained events that carry the evidence."""


def in_units(detector: Any, score: float) -> float:
    """Return a score as people are told it: in the units of its statistic.

    A detector that counts in parts of a unit, or whose scores hold more than the statistic, says in `parts` how many
    there are. One whose scores hold what they are of beside a count says in `kinds` how many things that may be.
    """
    kinds = int(getattr(detector, "kinds", 1))
    return (score // kinds if kinds > 1 else score) / int(getattr(detector, "parts", 1))


def in_parts(detector: Any, value: float) -> float:
    """Return the score that people were told as a value."""
    return value * int(getattr(detector, "parts", 1)) * int(getattr(detector, "kinds", 1))


@runtime_checkable
class EventDetector(Protocol):
    """A detector over inference events: one file in `detect/events`, found by the registry under `name`."""

    name: str
    """The file's name, and the key of its settings."""
    statistic: str
    """What the score counts."""
    techniques: tuple[TechniqueId, ...]
    """What a finding may be a trace of: ATLAS or ATT&CK first, then the 2020 matrix."""
    subject: Subject
    counts: Counts
    needs: frozenset[Signal]
    state: np.dtype[Any]
    state_version: int
    floor: int
    """A score up to this counts for nothing, however quiet the benign subjects are."""
    suspect: float | None
    """Whoever of the benign log passes it, and stands apart from everybody else, is named to the user, who decides
    whether it is benign. None: nobody is."""
    max_confidence: Confidence
    emulations: tuple[str, ...]
    """Attacks on which it must fire."""
    controls: tuple[str, ...]
    """Benign habits on which it must be silent."""

    @property
    def columns(self) -> frozenset[Column | Enriched]:
        """Further columns that it reads; a log may lack them, unless `needs` names them too, or they are enriched."""
        ...

    def fit(self, benign: EventBatch) -> Params:
        """Learn from benign events with similarity signals; MUST NOT depend on the order of subjects."""
        ...

    def priors(self) -> tuple[Params, float] | None:
        """Return conservative parameters and a threshold for a cold start, or None if it needs a baseline."""
        ...

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Score every event; MUST give the same scores however the stream was cut into batches."""
        ...

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Explain a trigger.

        Args:
            params: What the detector runs with.
            events: One subject's last different queries with signals, the trigger last; for a detector that counts
                events the trigger alone, with its score in the signal `score`.
        """
        ...
