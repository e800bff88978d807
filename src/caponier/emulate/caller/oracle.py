"""The one way in which an attack asks a model: one instance a request, counted, within a budget, remembered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from caponier.emulate.images import Images
from caponier.emulate.outcome import AttackOutcome, Stop, Within
from caponier.errors import CaponierError, InputError
from caponier.matrix.technique import TechniqueId

Predict: TypeAlias = Callable[[Images], Images]
"""Images (n, 64) to class scores (n, 10)."""


class BudgetSpentError(Exception):
    """No queries are left; it unwinds the attack's own code and is caught where the attack was started."""


class RefusedError(CaponierError):
    """The server refuses the caller: blocked, throttled or unknown."""


@dataclass(frozen=True, eq=False)
class Adversarial:
    """An image that the model gets wrong, its answer, and how far it is from the original (L2)."""

    image: Images
    answer: int
    distance: float


class Oracle:
    """Answers an attack and keeps account of it.

    Args:
        predict: Asks the model; it is called with one row at a time.
        original: The image under attack, shape (64,).
        label: Its true class.
        budget: Most requests that are sent.
        target: Class that the model is to answer; None if any wrong one will do.
        within: Bound on the change; images beyond it are no adversarial ones. None if any distance will do.

    Raises:
        InputError: If the budget is less than one query.
    """

    def __init__(
        self,
        predict: Predict,
        original: Images,
        label: int,
        budget: int,
        target: int | None = None,
        within: Within | None = None,
    ) -> None:
        if budget < 1:
            raise InputError("An attack needs a budget of at least one query")
        self.original = original
        self.label = label
        self.target = target
        self.within = within
        self.queries = 0
        self.classes = 0
        """How many scores the model answers with; 0 before it was asked."""
        self.nearest: Adversarial | None = None
        self.held: Adversarial | None = None
        self._predict = predict
        self._budget = budget
        self._seen: set[bytes] = set()
        self._first: Adversarial | None = None
        self._first_query: int | None = None

    def __call__(self, rows: Images) -> Images:
        """Ask for each of the rows (n, 64) by a request of its own; return scores (n, 10).

        Raises:
            BudgetSpentError: If the budget does not last for all rows; those before were asked.
            RefusedError: If the server no longer answers.
        """
        return np.concatenate([self._ask(row) for row in np.asarray(rows, np.float32)])

    def answer(self, image: Images) -> int:
        """Ask for one image (64,) and return its class."""
        return int(self(image[None]).argmax())

    def fooled(self, answer: int) -> bool:
        """Tell whether an answer is what the attack wants."""
        return answer != self.label if self.target is None else answer == self.target

    def hold(self) -> None:
        """Mark the end of the initialisation: what the attack improves from now on is the nearest image so far."""
        self.held = self.nearest

    def _ask(self, row: Images) -> Images:
        if self.queries >= self._budget:
            raise BudgetSpentError
        scores = self._predict(row[None])
        self.queries += 1
        self.classes = scores.shape[1]
        self._seen.add(row.tobytes())
        self._note(row, int(scores.argmax()))
        return scores

    def _note(self, row: Images, answer: int) -> None:
        if not self.fooled(answer) or (self.within and not self.within.holds(row - self.original)):
            return
        found = Adversarial(row.copy(), answer, float(np.linalg.norm(row - self.original)))
        if self._first is None:
            self._first, self._first_query = found, self.queries
        if self.nearest is None or found.distance < self.nearest.distance:
            self.nearest = found

    def outcome(self, name: str, techniques: tuple[TechniqueId, ...], stop: Stop) -> AttackOutcome:
        """Judge the attack by the queries that were answered."""
        final, first = self.nearest, self._first if self.within else self.held
        near_enough = final is not None and first is not None and final.distance <= first.distance / 2
        return AttackOutcome(
            name=name,
            techniques=techniques,
            queries=self.queries,
            unique_queries=len(self._seen),
            success=final is not None if self.within else near_enough,
            stop=stop,
            first_query=self._first_query,
            start_distance=None if self._first is None else self._first.distance,
            first_distance=None if first is None else first.distance,
            final_distance=None if final is None else final.distance,
            original=self.original,
            adversarial=None if final is None else final.image,
            original_label=self.label,
            adversarial_label=None if final is None else final.answer,
            within=self.within,
        )
