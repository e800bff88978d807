"""Which detectors and enrichments there are: whatever lies in the folders or is an entry point of another package."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from caponier.detect.artifact import ArtifactDetector
from caponier.detect.dataset import DatasetDetector
from caponier.detect.detector import Column, EventDetector
from caponier.detect.enrichment import Enrichment
from caponier.detect.model import ModelDetector
from caponier.errors import InputError
from caponier.plugins import Plugins

TAKEN: Final = (*Column, "unique", "squared", "flip", "score")
"""Signals that mean something else than an enrichment."""


def _signal(name: str) -> str | None:
    if name in TAKEN:
        return "another signal has this name"
    return None if name.isidentifier() else "its name is no identifier, as the name of a signal must be"


event_detectors: Final = Plugins[EventDetector](
    "detector", EventDetector, "detector", ("caponier.detect.events",), "caponier.detectors"
)
dataset_detectors: Final = Plugins[DatasetDetector](
    "data-set detector", DatasetDetector, "detector", ("caponier.detect.datasets",), "caponier.dataset_detectors"
)
artifact_detectors: Final = Plugins[ArtifactDetector](
    "artifact detector", ArtifactDetector, "detector", ("caponier.detect.artifacts",), "caponier.artifact_detectors"
)
model_detectors: Final = Plugins[ModelDetector](
    "model detector", ModelDetector, "detector", ("caponier.detect.models",), "caponier.model_detectors"
)
enrichments: Final = Plugins[Enrichment](
    "enrichment", Enrichment, "enrichment", ("caponier.detect.enrichments",), "caponier.enrichments", _signal
)


def select(
    disabled: tuple[str, ...] = (), settings: Mapping[str, Mapping[str, Any]] | None = None
) -> list[EventDetector]:
    """Return the detectors over events that are not disabled.

    Args:
        disabled: Names of detectors.
        settings: The tables `[detect.<name>]` of a workspace.

    Raises:
        InputError: If a detector that is named does not exist, or has no setting of a name.
    """
    event_detectors.know((*disabled, *(settings or {})))
    for name, table in (settings or {}).items():
        # None of them has settings yet; one that is written down must not be ignored in silence.
        for key in table:
            raise InputError(f"the detector has no setting {key!r}", where=f"detect.{name}")
    return [detector for name, detector in event_detectors().items() if name not in disabled]


def chosen_enrichments(names: Iterable[str]) -> list[Enrichment]:
    """Return the enrichments of these names, or all of them if none is named.

    Raises:
        InputError: If there is none of a name.
        MissingExtraError: If one that is named lacks an optional dependency.
    """
    wanted = {name: enrichments.one(name) for name in names}
    return list(dict(sorted((wanted or enrichments()).items())).values())
