"""How an ATLAS technique is covered here: by what names it itself, and by what covers the 2020 entries it maps to."""

from collections.abc import Sequence
from dataclasses import dataclass

from caponier.app.coverage.detector_needs import needs
from caponier.app.coverage.detectors import DetectorCard, detected_by, detectors
from caponier.coverage.heat_map import Cell, Status
from caponier.matrix import crosswalk
from caponier.matrix.technique import TechniqueId

_ORDER = (Status.VALIDATED, Status.DECLARED, Status.NOT_COVERED)


@dataclass(frozen=True, slots=True)
class Covered:
    """The coverage of one technique."""

    status: Status
    detectors: tuple[DetectorCard, ...] = ()
    through: tuple[str, ...] = ()
    """The 2020 entries that the coverage rests on, where no detector names the technique itself."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the detectors, in order."""
        return tuple(sorted(card.name for card in self.detectors))

    @property
    def needs(self) -> tuple[str, ...]:
        """The data that the detectors have to be given."""
        return tuple(dict.fromkeys(need for card in self.detectors for need in needs(card)))


def covered(atlas_id: str, cells: Sequence[Cell]) -> Covered:
    """Return the coverage of an ATLAS technique.

    Args:
        atlas_id: Its id.
        cells: The heat-map of the 2020 matrix.
    """
    wanted = {id_.id for id_ in crosswalk.to_2020(atlas_id)}
    mapped = [cell for cell in cells if cell.technique.id in wanted and cell.detectors]
    direct = detected_by([TechniqueId("atlas", atlas_id)])
    names = {card.name for card in direct} | {name for cell in mapped for name in cell.detectors}
    if not names:
        return Covered(Status.NOT_COVERED)
    best = min([Status.DECLARED, *(cell.status for cell in mapped)], key=_ORDER.index)
    through = () if direct else tuple(cell.technique.id for cell in mapped)
    return Covered(best, tuple(card for card in detectors() if card.name in names), through)
