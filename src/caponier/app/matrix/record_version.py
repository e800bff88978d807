"""What was done to the versions of the matrix, as rows of the audit log."""

from typing import Any, Final

from caponier.app.workspace.workspace import acting_user
from caponier.records.inventory import Workspace
from caponier.store import audit
from caponier.store.database import open_store

IMPORTED: Final = "matrix.imported"
MERGED: Final = "matrix.merged"
PINNED: Final = "matrix.pinned"


def record_version(workspace: Workspace, action: str, version: str, details: dict[str, Any]) -> None:
    """Append a row about a version.

    Args:
        workspace: Whose audit log it is.
        action: `IMPORTED`, `MERGED` or `PINNED`.
        version: The version.
        details: What else is worth knowing, such as the digest of the file that it came from.
    """
    with open_store(workspace.store) as store, store.write() as connection:
        audit.append(connection, acting_user(), action, version, details)
