"""Move a workspace to a newer version of the matrix: check the file, keep it, compare, carry documents over, pin."""

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from caponier.app.matrix.import_version import Imported, keep
from caponier.app.matrix.library import default_version, matrix_library
from caponier.app.matrix.lint import Versions
from caponier.app.matrix.migrate import MigrationReport, carry_out, plan
from caponier.app.matrix.pin_version import check_pin, pin_version
from caponier.app.matrix.record_version import PINNED, record_version
from caponier.app.workspace.workspace import require_workspace
from caponier.errors import InputError
from caponier.matrix.mapping.diff import compare
from caponier.matrix.mapping.difference import Difference, Noun
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.versions.loaders import check_digest, load_source, read_source
from caponier.matrix.versions.release import Release
from caponier.records.skip import Skip

SCHEMA: Final = "caponier.matrix-update/1"


@dataclass(frozen=True, slots=True)
class Age:
    """How old the pinned version was, in days; None where a release date is not known."""

    pinned: int | None
    """Since its release."""
    behind: int | None
    """From its release to that of the new version; negative if the new version is the older one."""


@dataclass(frozen=True, slots=True)
class Update:
    """What an update did, or would do."""

    before: Matrix
    release: Release
    voucher: str | None
    """What vouches for the file; None if nothing does."""
    difference: Difference
    age: Age
    migrated: tuple[MigrationReport, ...]
    skipped: tuple[Skip, ...]
    imported: Imported | None
    """None in a dry run."""

    @property
    def after(self) -> Matrix:
        """The new version."""
        return self.release.matrix

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """How many changes of each kind there are, by noun."""
        return {noun.value: dict(Counter(change.kind.value for change in self.difference.of(noun))) for noun in Noun}

    @property
    def open(self) -> bool:
        """Whether a person has to look at a document."""
        return bool(self.skipped) or any(report.needs_human for report in self.migrated)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of contract `caponier.matrix-update/1`, without the migration."""
        before, after = self.before, self.after
        return {
            "schema": SCHEMA,
            "before": {"version": before.version, "released": _iso(before.released)},
            "after": {"version": after.version, "released": _iso(after.released)},
            "sha256": self.release.sha256,
            "vouched_by": self.voucher,
            "days_since_pinned_release": self.age.pinned,
            "days_between_releases": self.age.behind,
            "changes": self.counts,
            "remarks": [*self.release.remarks, *self.difference.remarks],
            "pinned": self.imported is not None,
            "import": self.imported.to_dict() if self.imported else None,
        }


def update_matrix(
    file: Path,
    *,
    sha256: str | None = None,
    version: str | None = None,
    documents: Sequence[Path] = (),
    workspace: Path | None = None,
    dry_run: bool = False,
    force: bool = False,
    today: datetime.date | None = None,
) -> Update:
    """Update a workspace to the version that a file holds.

    Everything that can go wrong is tried first; only then is the version kept, are the documents written beside the
    old ones, and is the version pinned, in this order.

    Args:
        file: Of any format that `load_file` reads.
        sha256: The digest that it should have; None looks for `FILE.sha256` beside it.
        version: What to call it, or None for what the file says.
        documents: What to carry over to it: files and folders.
        workspace: The workspace's file or folder; None looks for one.
        dry_run: Change nothing.
        force: Replace documents that an earlier migration wrote and that say something else by now.
        today: For the age; the day of the call if not given.

    Raises:
        InputError: If anything is wrong with the request; then the workspace is as it was. If a disk fails midway,
            the old version is still pinned, and the same update can be run again.
    """
    home = require_workspace(workspace)
    library = matrix_library(home)
    before = library.load(default_version(home))
    source = read_source(file)
    voucher = check_digest(file, source, sha256)
    release = load_source(source, version)
    after = release.matrix
    difference = _compared(before, after)
    library.check(release)
    check_pin(home.file, after.version)
    tasks, skipped = (
        plan(documents, Versions(library, pinned=home.pinned), after, None, None) if documents else ([], [])
    )
    reports = carry_out(tasks, dry_run=True, force=force)
    imported = None
    if not dry_run:
        imported = keep(home, release)
        reports = carry_out(tasks, force=force)
        pin_version(home.file, after.version)
        if home.pinned != after.version:
            record_version(home, PINNED, after.version, {"before": before.version})
    age = _age(before, after, today or datetime.datetime.now(datetime.UTC).date())
    return Update(before, release, voucher, difference, age, tuple(reports), tuple(skipped), imported)


def _compared(before: Matrix, after: Matrix) -> Difference:
    if before.kind != after.kind and "attack" in (before.kind, after.kind):
        raise InputError(
            f"{after.version} cannot take the place of the pinned {before.version}: they are different matrices",
            hint="To have it at hand beside the pinned version: caponier matrix import FILE.",
        )
    return compare(before, after)


def _age(before: Matrix, after: Matrix, today: datetime.date) -> Age:
    if before.released is None:
        return Age(None, None)
    behind = (after.released - before.released).days if after.released else None
    return Age((today - before.released).days, behind)


def _iso(day: datetime.date | None) -> str | None:
    return day.isoformat() if day else None
