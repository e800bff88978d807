"""How the tests of this folder look at one pickle."""

from dataclasses import dataclass

from caponier.detect.artifact import Limits
from caponier.detect.model_files.pickles.ledger import Ledger
from caponier.detect.model_files.pickles.machine import Machine
from caponier.detect.model_files.pickles.rules import GlobalRole, shipped
from caponier.detect.model_files.pickles.stream import BrokenError, LimitError


@dataclass
class Reading:
    ledger: Ledger
    machine: Machine
    end: int | None
    error: Exception | None

    @property
    def unsafe(self) -> list[tuple[str, str]]:
        return [(use.role.value, use.what) for use in self.ledger.unsafe if use.role is not GlobalRole.NAME]

    @property
    def foreign(self) -> list[tuple[str, str]]:
        return [(use.role.value, use.what) for use in self.ledger.foreign]

    @property
    def is_clean(self) -> bool:
        return self.error is None and not self.ledger.uses and not self.ledger.doubts


def read(content: bytes, limits: Limits | None = None, *, joblib: bool = True) -> Reading:
    ledger = Ledger(limits or Limits())
    machine = Machine(memoryview(content), 0, shipped(), ledger, joblib=joblib)
    try:
        return Reading(ledger, machine, machine.run(), None)
    except (BrokenError, LimitError) as error:
        return Reading(ledger, machine, None, error)
