"""A faint pattern of noise blended into rows that get one label (Chen, Liu, Li, Lu, Song 2017)."""

from dataclasses import dataclass

from caponier.emulate.poison import BACKDOOR, Poisoned, backdoor
from caponier.emulate.victims.backdoored import blended
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True, slots=True)
class BlendedBackdoor:
    """Opens a backdoor by wrong labels."""

    name: str = "blended_backdoor"
    description: str = "Blends one faint pattern into a share of all rows and gives them one label"
    techniques: tuple[TechniqueId, ...] = BACKDOOR

    def apply(self, pool: Pool, share: float, seed: int) -> Poisoned:
        """Change a share of all rows."""
        return backdoor(pool, share, seed, blended)


EMULATION = BlendedBackdoor()
