"""What a campaign is: an attack on a model as a whole, where the attacks of `attack.py` are on one image.

A campaign copies the model, asks it about its training data, or wears it out. It sees the model through its answers
only, one instance a request, and within a budget; whether it succeeded is judged by what it really got.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from caponier.emulate.caller.oracle import BudgetSpentError, Predict
from caponier.emulate.emulation import Emulation
from caponier.emulate.images import Images, Labels
from caponier.emulate.outcome import Stop
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, train_victim
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True, eq=False)
class CampaignStage:
    """What a campaign is carried out on.

    Args:
        victim: The model.
        training: Rows that the model learned from, exactly as it saw them or as they are on record.
        held: What the attacker holds.
        member: Which of the held images the model learned from, shape (n,); for the judge, not for the attacker.
        exam: Images with the *victim's* answers to them, on which a copy is judged; the attacker does not see them.
    """

    victim: Victim
    training: Pool
    held: Pool
    member: npt.NDArray[np.bool_]
    exam: Pool

    @classmethod
    def on(
        cls, split: DigitsSplit, seed: int, victim: Victim | None, held: Pool, exam: Pool | None = None
    ) -> "CampaignStage":
        """Prepare an ordinary victim that has learned nothing of what the attacker holds.

        Args:
            split: Pools of images that never meet.
            seed: Fixes the victim.
            victim: One that is there already; it is trained by default.
            held: What the attacker holds.
            exam: Images on which a copy is judged, the split's test images by default.
        """
        model = victim or train_victim(split.train, split.test, seed)
        return cls(model, split.train, held, np.zeros(len(held), bool), exam_of(exam or split.test, model))


@dataclass(frozen=True, eq=False)
class CampaignOutcome:
    """The result of one campaign.

    Args:
        name: Name of the emulation.
        techniques: What it shows, in each matrix.
        queries: Answered requests, one instance each.
        unique_queries: Different instances among them.
        success: Whether it reached what it was for, as its description says.
        stop: Why it ended.
        measure: The figures behind `success`, by name.
    """

    name: str
    techniques: tuple[TechniqueId, ...]
    queries: int
    unique_queries: int
    success: bool
    stop: Stop
    measure: Mapping[str, float] = field(default_factory=dict)


class Campaign(Emulation, Protocol):
    """One way to attack a model as a whole."""

    @property
    def budget(self) -> int:
        """Most queries it sends if nobody says otherwise."""
        ...

    @property
    def gap_s(self) -> float:
        """Mean seconds between two of its queries."""
        ...

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Prepare a victim on which the campaign can succeed, and what the attacker holds.

        Args:
            split: Pools of images that never meet.
            seed: Fixes the victim and the choice of images.
            victim: A model that is there already; a campaign that needs a special one trains its own all the same.
        """
        ...

    def run(self, predict: Predict, stage: CampaignStage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Carry it out.

        Args:
            predict: Asks the model; called with one row (1, 64) at a time. It need not be the stage's victim itself,
                but a server with that model behind it.
            stage: From `stage`.
            seed: Fixes the campaign.
            budget: Most queries; the campaign's own by default.

        Raises:
            InputError: If the budget is less than one query.
        """
        ...


class MeteredModel:
    """The line to the model: asks, counts, and keeps to the budget.

    Args:
        predict: Asks the model; it is called with one row at a time.
        budget: Most requests that are sent.

    Raises:
        InputError: If the budget is less than one query.
    """

    def __init__(self, predict: Predict, budget: int) -> None:
        if budget < 1:
            raise InputError("A campaign needs a budget of at least one query")
        self.queries = 0
        self._predict = predict
        self._budget = budget
        self._seen: set[bytes] = set()

    @property
    def unique_queries(self) -> int:
        """Different instances among the answered ones."""
        return len(self._seen)

    @property
    def left(self) -> int:
        """Requests that may still be sent."""
        return self._budget - self.queries

    def ask(self, image: Images) -> Images:
        """Ask for one image (64,) by a request of its own; return its scores (10,).

        Raises:
            BudgetSpentError: If no queries are left.
            RefusedError: If the server no longer answers.
        """
        if self.queries >= self._budget:
            raise BudgetSpentError
        row = np.ascontiguousarray(image, np.float32)
        scores: Images = self._predict(row[None])[0]
        self.queries += 1
        self._seen.add(row.tobytes())
        return scores

    def outcome(
        self,
        name: str,
        techniques: tuple[TechniqueId, ...],
        stop: Stop,
        *,
        success: bool,
        measure: Mapping[str, float],
    ) -> CampaignOutcome:
        """Say what came of the campaign that asked over this line."""
        return CampaignOutcome(name, techniques, self.queries, self.unique_queries, success, stop, measure)


def exam_of(pool: Pool, victim: Victim) -> Pool:
    """Return images with the victim's answers in place of their true classes."""
    answers: Labels = victim.answers(pool.images)
    return Pool(pool.images, answers)
