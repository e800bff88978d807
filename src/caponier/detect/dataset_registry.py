"""Find every detector over data sets: ours by looking into the folder, others by entry point.

A detector that fails to import is an error, never a skip: a scan must not lose a detector in silence. One that lacks an
extra is left out, and every scan says so.
"""

from functools import cache
from typing import Final

from caponier.detect import datasets
from caponier.detect.dataset import DatasetDetector
from caponier.errors import MissingExtraError
from caponier.plugins import plugins, unavailable

ATTRIBUTE: Final = "detector"
ENTRY_POINTS: Final = "caponier.dataset_detectors"


@cache
def dataset_detectors() -> dict[str, DatasetDetector]:
    """Return the detectors over data sets by name, in alphabetical order.

    Raises:
        PluginError: If a detector cannot be imported, is none, or has the name of another one.
    """
    found: dict[str, DatasetDetector] = {}
    for plugin in plugins(datasets, ATTRIBUTE, ENTRY_POINTS):
        if not isinstance(plugin.value, DatasetDetector) or plugin.value.name != plugin.name:
            raise plugin.refused("is no data-set detector, or has another name than its file or entry point")
        if plugin.name in found:
            raise plugin.refused("is one of two detectors of this name")
        found[plugin.name] = plugin.value
    return dict(sorted(found.items()))


def absent_dataset_detectors() -> dict[str, MissingExtraError]:
    """Return the detectors over data sets that lack an extra."""
    return unavailable(datasets, ATTRIBUTE, ENTRY_POINTS)
