"""Find every detector: ours by looking into the folder, others by entry point.

A detector that fails to import is an error, never a skip: a scan must not lose a detector in silence. One that lacks an
extra is left out, and every scan says so.
"""

import difflib
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from caponier.detect import artifacts, events
from caponier.detect.artifact import ArtifactDetector
from caponier.detect.detector import EventDetector
from caponier.errors import InputError, MissingExtraError
from caponier.plugins import plugins, unavailable

ATTRIBUTE: Final = "detector"
ENTRY_POINTS: Final = "caponier.detectors"
ARTIFACT_ENTRY_POINTS: Final = "caponier.artifact_detectors"


@cache
def event_detectors() -> dict[str, EventDetector]:
    """Return the detectors over inference events by name, in alphabetical order.

    Raises:
        PluginError: If a detector cannot be imported, is none, or has the name of another one.
    """
    found: dict[str, EventDetector] = {}
    for plugin in plugins(events, ATTRIBUTE, ENTRY_POINTS):
        detector = plugin.value
        if isinstance(detector, type) or not isinstance(detector, EventDetector) or detector.name != plugin.name:
            raise plugin.refused("is no detector, or has another name than its file or entry point")
        if plugin.name in found:
            raise plugin.refused("is one of two detectors of this name")
        found[plugin.name] = detector
    return dict(sorted(found.items()))


@cache
def artifact_detectors() -> dict[str, ArtifactDetector]:
    """Return the detectors over model files by name, in alphabetical order.

    Raises:
        PluginError: If a detector cannot be imported, is none, or has the name of another one.
    """
    found: dict[str, ArtifactDetector] = {}
    for plugin in plugins(artifacts, ATTRIBUTE, ARTIFACT_ENTRY_POINTS):
        if not isinstance(plugin.value, ArtifactDetector) or plugin.value.name != plugin.name:
            raise plugin.refused("is no artifact detector, or has another name than its file or entry point")
        if plugin.name in found:
            raise plugin.refused("is one of two artifact detectors of this name")
        found[plugin.name] = plugin.value
    return dict(sorted(found.items()))


def absent_event_detectors() -> dict[str, MissingExtraError]:
    """Return the detectors over inference events that lack an extra."""
    return unavailable(events, ATTRIBUTE, ENTRY_POINTS)


def absent_artifact_detectors() -> dict[str, MissingExtraError]:
    """Return the detectors over model files that lack an extra."""
    return unavailable(artifacts, ATTRIBUTE, ARTIFACT_ENTRY_POINTS)


def select(
    disabled: tuple[str, ...] = (), settings: Mapping[str, Mapping[str, Any]] | None = None
) -> list[EventDetector]:
    """Return the detectors that are not disabled.

    Args:
        disabled: Names of detectors.
        settings: The tables `[detect.<name>]` of a workspace.

    Raises:
        InputError: If a detector that is named does not exist, or has no setting of a name.
    """
    known = event_detectors()
    for name in (*disabled, *(settings or {})):
        # One that lacks an extra can be disabled, so that scans need not tell of it any more.
        if name not in known and name not in absent_event_detectors():
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise InputError(f"there is no detector {name!r}", mend=f"{hint}Known detectors: {', '.join(known)}")
    for name, table in (settings or {}).items():
        # None of them has settings yet; one that is written down must not be ignored in silence.
        for key in table:
            raise InputError(f"the detector has no setting {key!r}", where=f"detect.{name}")
    return [detector for name, detector in known.items() if name not in disabled]
