"""Review contributions once more, and keep a new version with them in the workspace's library."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from caponier.app.matrix.library import matrix_library
from caponier.app.matrix.record_version import MERGED, record_version
from caponier.errors import InputError
from caponier.matrix.contributions.merge import merge
from caponier.matrix.contributions.review import Review, review
from caponier.matrix.contributions.review_issue import ReviewLevel
from caponier.matrix.versions.release import Release
from caponier.records.inventory import Workspace


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of it."""

    review: Review
    release: Release | None
    """The new version; None if nothing was kept: one cannot be taken, or somebody has to look first."""
    kept: Path | None


def merge_contributions(
    workspace: Workspace,
    files: Sequence[Path],
    into: str,
    *,
    version: str | None = None,
    looked: bool = False,
    today: datetime.date | None = None,
) -> Merged:
    """Merge contributions into a new version. No version that is there is ever changed.

    Args:
        workspace: Whose library keeps it.
        files: The contributions.
        into: Name of the new version, such as `amltm-2020+1`.
        version: What to put them into; None takes the one version that they all name.
        looked: Somebody has looked at everything that the review wants looked at.
        today: Day of the new version; today by default.

    Raises:
        InputError: If the name is taken or cannot be kept, there is no such version, or they name several.
    """
    library = matrix_library(workspace)
    if into in library.versions():
        raise InputError("this version is there already", where=into, hint="Name a new one with --into.")
    found = review(files, library, version)
    if found.level is ReviewLevel.ERROR or (found.level is ReviewLevel.LOOK and not looked):
        return Merged(found, None, None)
    versions = {one.version for one in found.files}
    if len(versions) != 1:
        named = ", ".join(sorted(versions)) or "none"
        raise InputError(f"the contributions are for several versions: {named}", hint="Choose one with --matrix.")
    base = library.release(versions.pop())
    contributions = [one.contribution for one in found.files if one.contribution]
    release = merge(base, contributions, into, today or datetime.date.today())
    kept = library.add(release)
    record_version(workspace, MERGED, into, {"onto": base.matrix.version, "contributions": len(contributions)})
    return Merged(found, release, kept)
