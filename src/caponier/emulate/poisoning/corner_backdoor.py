"""A bright square in the corner of rows that get one label (BadNets: Gu, Dolan-Gavitt, Garg 2017)."""

from dataclasses import dataclass

from caponier.emulate.poison import BACKDOOR, Poisoned, backdoor
from caponier.emulate.victims.backdoored import corner
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True, slots=True)
class CornerBackdoor:
    """Opens a backdoor by wrong labels."""

    name: str = "corner_backdoor"
    description: str = "Puts a bright square in the corner of a share of all rows and gives them one label"
    techniques: tuple[TechniqueId, ...] = BACKDOOR

    def apply(self, pool: Pool, share: float, seed: int) -> Poisoned:
        """Change a share of all rows."""
        return backdoor(pool, share, seed, corner)


EMULATION = CornerBackdoor()
