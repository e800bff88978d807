"""What an attack is, and how every attack is carried out: start, go on until something stops it, judge."""

from collections.abc import Callable
from typing import Protocol

from caponier.emulate.caller.oracle import BudgetSpentError, Oracle, Predict, RefusedError
from caponier.emulate.images import Images
from caponier.emulate.outcome import AttackOutcome, Stop, Within
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId


class Attack(Protocol):
    """One way to attack a model that answers queries."""

    @property
    def name(self) -> str:
        """Name of the emulation; the file is called the same."""
        ...

    @property
    def description(self) -> str:
        """What it does, in a sentence for users."""
        ...

    @property
    def techniques(self) -> tuple[TechniqueId, ...]:
        """What it shows, in each matrix."""
        ...

    @property
    def budget(self) -> int:
        """Most queries it sends if nobody says otherwise."""
        ...

    @property
    def within(self) -> Within | None:
        """Bound that a success keeps to; None for an attack that starts far away and is judged by how near it comes."""
        ...

    def run(
        self,
        predict: Predict,
        original: Images,
        label: int,
        *,
        seed: int,
        budget: int | None = None,
        start: Images | None = None,
    ) -> AttackOutcome:
        """Attack one image.

        Args:
            predict: Asks the model; called with one row (1, 64) at a time.
            original: The image that the model is to get wrong, shape (64,).
            label: Its true class, which is also what the model must answer to it now.
            seed: Fixes the attack, as long as nothing else in the process draws from numpy's global generator.
            budget: Most queries; the attack's own budget by default.
            start: An image (64,) of another class to start from, by default one that the attack finds for itself. An
                attack with a bound starts from the original.

        Raises:
            InputError: If the model gets the original wrong already, or `start` is no adversarial image, or is given
                to an attack with a bound.
        """
        ...


def refuse_start(attack: Attack, start: Images | None) -> None:
    """Make sure that an attack with a bound is not told where to start.

    Raises:
        InputError: If it is.
    """
    if start is not None:
        raise InputError(f"{attack.name} starts from the image under attack, and from no other")


def carry_out(attack: Attack, oracle: Oracle, steps: Callable[[Oracle], None]) -> AttackOutcome:
    """Check the original, take the attack's steps until it ends or is stopped, and judge it.

    Raises:
        InputError: If the model gets the original wrong already.
    """
    stop = Stop.FINISHED
    try:
        if oracle.answer(oracle.original) != oracle.label:
            raise InputError("The model gets this image wrong without any attack", mend="Choose another image")
        steps(oracle)
    except BudgetSpentError:
        stop = Stop.BUDGET
    except RefusedError:
        stop = Stop.REFUSED
    return oracle.outcome(attack.name, attack.techniques, stop)
