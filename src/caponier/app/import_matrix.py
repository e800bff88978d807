"""Bring a version of a matrix from a file into the workspace, whole or not at all."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from caponier.app.matrix_library import matrix_library
from caponier.app.record_version import IMPORTED, record_version
from caponier.app.workspace import require_workspace
from caponier.matrix.loaders import load_file
from caponier.matrix.release import Release
from caponier.records.inventory import Workspace
from caponier.telemetry.walk_files import shown

SCHEMA: Final = "caponier.matrix-import/1"


@dataclass(frozen=True, slots=True)
class Imported:
    """A version that is now at hand."""

    release: Release
    kept: Path
    """The file that it is kept in."""
    is_new: bool
    """False if it was there already."""

    @property
    def counts(self) -> dict[str, int]:
        """How much of each noun the version holds."""
        matrix = self.release.matrix
        return {
            "tactics": len(matrix.tactics),
            "techniques": sum(technique.parent is None for technique in matrix.techniques),
            "sub_techniques": sum(technique.parent is not None for technique in matrix.techniques),
            "in_default_view": len(matrix.shown()),
            "case_studies": len(matrix.studies),
            "steps": sum(len(study.steps) for study in matrix.studies),
            "retired": len(matrix.retired),
            "beside_the_matrix": len(self.release.countermeasures),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of contract `caponier.matrix-import/1`."""
        release, matrix = self.release, self.release.matrix
        return {
            "schema": SCHEMA,
            "version": matrix.version,
            "kind": matrix.kind,
            "name": matrix.name,
            "released": matrix.released.isoformat() if matrix.released else None,
            "format": release.format,
            "sha256": release.sha256,
            "kept": shown(self.kept),
            "new": self.is_new,
            "counts": self.counts,
            "remarks": list(release.remarks),
        }


def import_matrix(file: Path, version: str | None = None, workspace: Path | None = None) -> Imported:
    """Import a file into the workspace; the same file again changes nothing.

    Args:
        file: Of any format that `load_file` reads.
        version: What to call it, or None for what the file says.
        workspace: The workspace's file or folder; None looks for one.

    Raises:
        InputError: If there is no workspace, the file is wrong anywhere, or another version has that name.
    """
    return keep(require_workspace(workspace), load_file(file, version))


def keep(workspace: Workspace, release: Release) -> Imported:
    """Keep a release in a workspace, and note it in the audit log if it is new there.

    Raises:
        InputError: If another version has its name, or it cannot be written.
    """
    library = matrix_library(workspace)
    was_there = release.matrix.version in library.versions()
    imported = Imported(release, library.add(release), not was_there)
    if imported.is_new:
        details = {"format": release.format, "sha256": release.sha256}
        record_version(workspace, IMPORTED, release.matrix.version, details)
    return imported
