"""What an attack is, and how every attack is carried out: start, go on until something stops it, judge."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Protocol

from caponier.emulate.caller.oracle import Oracle, Predict
from caponier.emulate.emulation import Emulation, carried_out
from caponier.emulate.images import Images
from caponier.emulate.outcome import AttackOutcome, Within
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId


class Attack(Emulation, Protocol):
    """One way to attack a model that answers queries."""

    @property
    def budget(self) -> int:
        """Most queries it sends if nobody says otherwise."""
        ...

    @property
    def accounts(self) -> int:
        """How many accounts take turns, query by query."""
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


def carry_out(attack: Attack, oracle: Oracle, steps: Callable[[Oracle], None]) -> AttackOutcome:
    """Check the original, take the attack's steps until it ends or is stopped, and judge it.

    Raises:
        InputError: If the model gets the original wrong already.
    """

    def all_steps() -> None:
        if oracle.answer(oracle.original) != oracle.label:
            raise InputError("The model gets this image wrong without any attack", hint="Choose another image")
        steps(oracle)

    return oracle.outcome(attack.name, attack.techniques, carried_out(all_steps))


class QueryAttack(ABC):
    """The run of an attack on one image that sees nothing but answers; see `Attack`. Each says its own steps."""

    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the emulation; the file is called the same."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What it does, in a sentence for users."""

    @property
    @abstractmethod
    def budget(self) -> int:
        """Most queries it sends if nobody says otherwise."""

    @property
    def accounts(self) -> int:
        """How many accounts take turns; most attacks have one."""
        return 1

    @property
    def within(self) -> Within | None:
        """Bound that a success keeps to; None for an attack that is judged by how near it comes."""
        return None

    @property
    def target(self) -> int | None:
        """Class that the model is to answer; None if any wrong one will do."""
        return None

    @abstractmethod
    def steps(self, oracle: Oracle, seed: int, start: Images | None) -> None:
        """Go on until there is nothing more to try; whatever stops it earlier unwinds this call."""

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
        """Attack one image; see `Attack.run`."""
        if start is not None and self.within is not None:
            raise InputError(f"{self.name} starts from the image under attack, and from no other")
        oracle = Oracle(predict, original, label, self.budget if budget is None else budget, self.target, self.within)
        return carry_out(self, oracle, lambda asked: self.steps(asked, seed, start))
