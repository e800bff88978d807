"""A Navigator layer (format 4.5) of the coverage, in ids of MITRE ATLAS."""

from collections.abc import Sequence
from typing import Any, Final

from caponier.coverage.heat_map import Cell, Status
from caponier.matrix import crosswalk
from caponier.matrix.layer import FORMAT, NAVIGATOR
from caponier.matrix.versions.catalogue import load
from caponier.matrix.writers.navigator import data_version

SCORES: Final = {Status.NOT_COVERED: 0, Status.DECLARED: 1, Status.VALIDATED: 2}
COLORS: Final = {Status.NOT_COVERED: "#ffffff", Status.DECLARED: "#c7dcef", Status.VALIDATED: "#2a7f62"}


def layer(cells: Sequence[Cell], version: str) -> dict[str, Any]:
    """Return the layer; an ATLAS entry takes the best status of the 2020 entries that it covers.

    Args:
        cells: The heat-map.
        version: Version of Caponier, for the layer's metadata.
    """
    best: dict[str, Cell] = {}
    for cell in cells:
        for id_ in (ref.id for ref in crosswalk.to_atlas(cell.technique.id)):
            if id_ not in best or SCORES[cell.status] > SCORES[best[id_].status]:
                best[id_] = cell
    return {
        "name": "Caponier coverage",
        "versions": {"layer": FORMAT, "navigator": NAVIGATOR},
        "domain": "atlas-atlas",
        "description": "2: validated by an emulation and its benign control; 1: declared by a detector; 0: not covered",
        "metadata": [
            {"name": "caponier_version", "value": version},
            {"name": "atlas_data_version", "value": data_version(load(crosswalk.load().target))},
        ],
        "gradient": {"colors": [COLORS[status] for status in SCORES], "minValue": 0, "maxValue": 2},
        "legendItems": [{"label": status.value, "color": COLORS[status]} for status in SCORES],
        "techniques": [_technique(id_, best[id_]) for id_ in sorted(best)],
    }


def _technique(id_: str, cell: Cell) -> dict[str, Any]:
    return {
        "techniqueID": id_,
        "score": SCORES[cell.status],
        "comment": f"{cell.technique.id} {cell.technique.name}: {cell.status.value}; {cell.why}",
        "metadata": [{"name": "detector", "value": name} for name in cell.detectors],
        "showSubtechniques": True,
    }
