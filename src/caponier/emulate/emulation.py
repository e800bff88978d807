"""What every emulation and every benign control has, and how an emulation tells what came of it."""

from collections.abc import Callable, Mapping
from typing import Protocol

from caponier.emulate.caller.oracle import BudgetSpentError, RefusedError
from caponier.emulate.outcome import Stop
from caponier.matrix.technique import TechniqueId


class Named(Protocol):
    """Anything that is found by its name; a benign control is no more than this."""

    @property
    def name(self) -> str:
        """Its name; the file is called the same."""
        ...

    @property
    def description(self) -> str:
        """What it does or is, in a sentence for users."""
        ...


class Emulation(Named, Protocol):
    """Something that is known to be done to an ML system; or, without techniques, what only looks like it."""

    @property
    def techniques(self) -> tuple[TechniqueId, ...]:
        """What it shows, in each matrix; empty for a control."""
        ...


class EmulationOutcome(Protocol):
    """What came of an emulation, by a measure of its own: no detector is asked."""

    @property
    def success(self) -> bool:
        """Whether it reached what it was for, as its description says."""
        ...

    @property
    def measure(self) -> Mapping[str, float]:
        """The figures behind `success`, by name."""
        ...


def carried_out(steps: Callable[[], None]) -> Stop:
    """Take an emulation's steps until it ends by its own plan or is stopped; return why it ended."""
    try:
        steps()
    except BudgetSpentError:
        return Stop.BUDGET
    except RefusedError:
        return Stop.REFUSED
    return Stop.FINISHED
