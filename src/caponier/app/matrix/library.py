"""Which versions of the matrix are at hand: those that ship, and those that the workspace has imported."""

from pathlib import Path
from typing import Final

from caponier.app.workspace.workspace import load_workspace
from caponier.matrix.versions.catalogue import DEFAULT
from caponier.matrix.versions.library import Library
from caponier.records.inventory import Workspace

FOLDER: Final = "matrix"
"""Folder of the imported versions, beside the workspace file: they belong under version control with it."""


def matrix_library(workspace: Workspace | Path | None = None) -> Library:
    """Return the versions at hand.

    Args:
        workspace: The workspace, its file or its folder. None looks for one as `load_workspace` does; without any
            there are only the versions that ship.

    Raises:
        InputError: If a workspace was named that is not there.
    """
    home = workspace if isinstance(workspace, Workspace) else load_workspace(workspace)
    return Library(home.file.parent / FOLDER if home else None)


def default_version(workspace: Workspace | None) -> str:
    """Return the version that the workspace has pinned, or else the 2020 matrix."""
    return (workspace.pinned if workspace else None) or DEFAULT
