"""What a probe is: somebody who finds out what a model is, by all that its server answers and not by predictions alone.

It is no attack yet, but attacks begin with it. A probe sees the server through a wire only; whether it found out the
truth is judged afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from caponier.emulate.caller.wire import Wire
from caponier.emulate.emulation import Emulation
from caponier.emulate.images import CLASSES, FEATURES
from caponier.emulate.outcome import Stop
from caponier.emulate.victims.digits import Victim
from caponier.emulate.victims.open_inference import DATATYPES
from caponier.matrix.technique import TechniqueId

FAMILIES: Final[Mapping[str, str]] = {"mlp": "network", "linear": "linear", "forest": "trees", "boosted": "trees"}
"""Kind of a victim to the family that it is of."""


@dataclass(frozen=True)
class Truth:
    """What there is to be found out; for the judge, not for the probe.

    Args:
        family: Of the model, a value of `FAMILIES`.
        features: Numbers in one row.
        classes: Answers that there are.
        datatypes: Names of the datatypes that are taken.
    """

    family: str
    features: int = FEATURES
    classes: int = CLASSES
    datatypes: frozenset[str] = frozenset(DATATYPES)

    @classmethod
    def of(cls, victim: Victim) -> "Truth":
        """Return what is true of a victim on digits."""
        return cls(FAMILIES.get(victim.kind, victim.kind))


@dataclass(frozen=True)
class ProbeOutcome:
    """The result of one probe.

    Args:
        name: Name of the emulation.
        techniques: What it shows, in each matrix.
        requests: Requests of any kind that were answered, errors included.
        success: Whether it found out what it was for, as its description says.
        stop: Why it ended.
        found: What it believes, by name.
        measure: The figures behind `success`, by name.
    """

    name: str
    techniques: tuple[TechniqueId, ...]
    requests: int
    success: bool
    stop: Stop
    found: Mapping[str, str] = field(default_factory=dict)
    measure: Mapping[str, float] = field(default_factory=dict)


class Probe(Emulation, Protocol):
    """One way to find out what a model is."""

    @property
    def budget(self) -> int:
        """Most requests it sends if nobody says otherwise."""
        ...

    @property
    def gap_s(self) -> float:
        """Mean seconds between two of its requests; one that takes its time is given more."""
        ...

    def run(
        self, wire: Wire, model: str, truth: Truth, *, seed: int, budget: int | None = None, gap_s: float | None = None
    ) -> ProbeOutcome:
        """Carry it out.

        Args:
            wire: The line to the server.
            model: Name of the model; whoever has a key knows it.
            truth: What its findings are judged by.
            seed: Fixes what is asked, in which order, and the gaps.
            budget: Most requests; the probe's own by default.
            gap_s: Mean seconds between two requests; the probe's own by default.

        Raises:
            InputError: If the budget is less than one request.
        """
        ...
