"""How a use-case tells how far it is, without knowing who watches."""

from typing import Protocol


class Progress(Protocol):
    """Somebody who watches long work."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage of so many steps, or of nobody knows how many."""
        ...

    def advance(self, steps: int) -> None:
        """Note that so many steps of the stage are done."""
        ...


class Silent:
    """Nobody watches."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Do nothing."""

    def advance(self, steps: int) -> None:
        """Do nothing."""
