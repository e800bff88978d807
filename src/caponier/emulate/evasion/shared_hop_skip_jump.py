"""HopSkipJump by ten accounts that take turns: no account ever asks near what it asked itself."""

from dataclasses import dataclass
from typing import ClassVar

from caponier.emulate.evasion.hop_skip_jump import HopSkipJump


@dataclass(frozen=True)
class SharedHopSkipJump(HopSkipJump):
    """The same search as `HopSkipJump`, whose queries are shared out; see `emulate.disguises.accounts.Splitting`."""

    accounts: int = 10

    name: ClassVar[str] = "shared_hop_skip_jump"
    description: ClassVar[str] = (
        "HopSkipJump by ten accounts that take turns: what no account does alone, they do together"
    )


EMULATION = SharedHopSkipJump()
