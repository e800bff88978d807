"""A copy of the user's model to attack: their own server, or a surrogate that learned from the log's own answers."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from caponier.app.planting.own_log import Examples
from caponier.emulate.attacker.surrogate import train_surrogate
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec

LESSONS: Final = 10_000
"""Answers that a surrogate learns from at most."""
EXAM: Final = 2_000
"""Answers that a copy is held against."""
KNOTS: Final = 65
FEWEST: Final = 50

Rows = NDArray[np.float32]
Answer = Callable[[Rows], Rows]
"""Inputs (n, d) as they are logged to class scores (n, c)."""


@dataclass(frozen=True, eq=False)
class InputScale:
    """Between inputs as they are logged and the scale from 0 to 1 on which attacks work.

    The columns of a table are scaled by their quantiles, as somebody would who knows what is usual; images by their
    range. What is always a whole number in the log is one in what attackers send.

    Args:
        knots: (k, d) ascending quantiles of the columns, or (2, 1) the range of an image's values.
        whole: (d,) or (1,), what is always a whole number.
        shape: Of one input.
    """

    knots: Rows
    whole: NDArray[np.bool_]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, spec: FeatureSpec, inputs: Rows) -> Self:
        """Learn it from inputs (n, d)."""
        shape = spec.shape or (inputs.shape[1],)
        if spec.kind == "image":
            low = inputs.min() if spec.minimum is None else spec.minimum
            high = inputs.max() if spec.maximum is None else spec.maximum
            ends = np.array([[low], [max(high, low + 1e-6)]], np.float32)
            return cls(ends, np.array([bool((inputs == np.rint(inputs)).all())]), shape)
        knots = np.quantile(inputs, np.linspace(0, 1, KNOTS), axis=0).astype(np.float32)
        return cls(knots, (inputs == np.rint(inputs)).all(axis=0), shape)

    @property
    def picture(self) -> tuple[int, int, int] | None:
        """Height, width and channels; None of what is no picture."""
        if len(self.shape) not in (2, 3):
            return None
        height, width, *channels = self.shape
        return height, width, channels[0] if channels else 1

    def unit(self, inputs: Rows) -> Rows:
        """Return inputs (n, d) on the scale from 0 to 1."""
        if len(self.knots) == 2:
            low, high = self.knots[:, 0]
            scaled: Rows = np.clip((inputs - low) / (high - low), 0, 1).astype(np.float32)
            return scaled
        return self._interpolated(inputs, self.knots, self._levels())

    def raw(self, units: Rows) -> Rows:
        """Return rows (n, d) on the scale from 0 to 1 as they would be sent."""
        if len(self.knots) == 2:
            low, high = self.knots[:, 0]
            sent = (low + units * (high - low)).astype(np.float32)
        else:
            sent = self._interpolated(units, self._levels(), self.knots)
        rounded: Rows = np.where(self.whole, np.rint(sent), sent)
        return rounded

    def _levels(self) -> Rows:
        return np.linspace(0, 1, len(self.knots), dtype=np.float32)[:, None].repeat(self.knots.shape[1], axis=1)

    @staticmethod
    def _interpolated(values: Rows, source: Rows, target: Rows) -> Rows:
        result = np.empty(values.shape, np.float32)
        for column in range(values.shape[1]):
            result[:, column] = np.interp(values[:, column], source[:, column], target[:, column])
        return result


@dataclass(frozen=True, eq=False)
class OwnModel:
    """What attackers attack.

    Args:
        scale: Of its inputs.
        answer: Asks it.
        names: The label that each class has in the log.
        agreement: Share of the log's answers, of callers that it did not learn from, to which it gives the same; NaN if
            the log has no answers.
    """

    scale: InputScale
    answer: Answer
    names: tuple[str, ...]
    agreement: float

    @property
    def classes(self) -> int:
        """How many the model tells apart."""
        return len(self.names)

    def predict(self, units: Rows) -> Rows:
        """Return scores (n, c) for rows (n, d) on the scale from 0 to 1."""
        return self.answer(self.scale.raw(units))


def served_model(answer: Answer, scale: InputScale, exam: Examples) -> OwnModel:
    """Take a served copy, and hold it against what the log says.

    Raises:
        InputError: If it does not answer the log's own inputs with scores.
    """
    rows = Examples(exam.inputs[:EXAM], exam.labels[:EXAM], None)
    scores = answer(rows.inputs)
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise InputError("the model at the URL does not answer with the scores of two classes or more")
    names = _names(scores.argmax(axis=1), rows.labels, scores.shape[1])
    return OwnModel(scale, answer, names, _agreement(scores, names, rows))


def surrogate_model(lessons: Examples, scale: InputScale, exam: Examples, seed: int) -> OwnModel:
    """Train a surrogate on a log's inputs and answers.

    Args:
        lessons: What it learns from.
        scale: Of its inputs.
        exam: Answers to other callers.
        seed: Fixes it.

    Raises:
        InputError: If the log has too few answers, or always the same one.
    """
    known = np.array([label is not None for label in lessons.labels], bool)
    if lessons.scores is not None and lessons.scores.shape[1] > 1:
        told, inputs = lessons.scores, lessons.inputs
        names = _names(told.argmax(axis=1), lessons.labels, told.shape[1])
    else:
        names = tuple(sorted({label for label in lessons.labels if label is not None}))
        places = {name: at for at, name in enumerate(names)}
        told = np.eye(len(names), dtype=np.float32)[[places[label] for label in lessons.labels if label is not None]]
        inputs = lessons.inputs[known]
    if len(inputs) < FEWEST or len(names) < 2:
        raise InputError(
            f"a surrogate cannot learn from {len(inputs)} answers of {len(names)} kinds",
            hint="Log labels or scores, or name a copy of the model with --url.",
        )
    copy = train_surrogate(scale.unit(inputs), told, seed)

    def answer(rows: Rows) -> Rows:
        logits = copy.logits(scale.unit(rows))
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores: Rows = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
        return scores

    return OwnModel(scale, answer, names, _agreement(answer(exam.inputs), names, exam))


def _names(answers: NDArray[np.int64], labels: list[str | None], classes: int) -> tuple[str, ...]:
    """Return what the log calls each class: the label that stands most often with it, or else its number."""
    seen: list[Counter[str]] = [Counter() for _ in range(classes)]
    for answer, label in zip(answers.tolist(), labels, strict=True):
        if label is not None:
            seen[answer][label] += 1
    return tuple(found.most_common(1)[0][0] if found else str(at) for at, found in enumerate(seen))


def _agreement(scores: Rows, names: tuple[str, ...], exam: Examples) -> float:
    """Return the share of an exam's answers that are given, by label or else by the highest score; NaN without any."""
    answers = scores.argmax(axis=1)
    same = [names[answer] == label for answer, label in zip(answers, exam.labels, strict=True) if label is not None]
    if not same and exam.scores is not None:
        same = list(answers == exam.scores.argmax(axis=1))
    return float(np.mean(same)) if same else float("nan")
