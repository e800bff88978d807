"""Tell which detectors are left out of a scan because an extra is not installed: none is lost in silence."""

from collections.abc import Mapping

from caponier.app.detection_plan import Skip
from caponier.errors import MissingExtraError
from caponier.records.inventory import Workspace


def absent_detectors(missing: Mapping[str, MissingExtraError], workspace: Workspace | None) -> list[Skip]:
    """Return what to tell of detectors that lack an extra; of those that are disabled nothing.

    Args:
        missing: From a registry of detectors.
        workspace: Names the detectors that are disabled.
    """
    disabled = workspace.detect.disabled if workspace else ()
    return [Skip(name, one_line(lacks)) for name, lacks in missing.items() if name not in disabled]


def one_line(missing: MissingExtraError) -> str:
    """Return what is lacking and how to install it, in one line."""
    return str(missing).replace("\n", ". ")
