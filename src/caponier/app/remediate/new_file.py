"""What repairs have in common that write a new file: nothing is overwritten, and a record says what was done."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from caponier.app.workspace.workspace import acting_user
from caponier.errors import InputError
from caponier.formats.atomic_file import refuse_unwritable
from caponier.records.inventory import Workspace
from caponier.records.remediation import Remediation, RemediationKind
from caponier.store import remediations
from caponier.store.database import open_store

UNMEASURED: Final = ""
"""In place of the digest of a test set."""


def refuse_existing(source: Path, *new: Path) -> None:
    """Refuse to write new files where something is, or nothing can be.

    Args:
        source: What is repaired.
        new: The files that are to be written.

    Raises:
        InputError: If one is there, is the source, or has no folder.
    """
    for file in new:
        if file.exists() or file.resolve() == source.resolve():
            raise InputError("there is such a file already, and nothing is overwritten", where=str(file))
        if not file.resolve().parent.is_dir():
            raise InputError("its folder does not exist", where=str(file))
        refuse_unwritable(file)


def record_of(
    kind: RemediationKind,
    source: Path,
    new: Path,
    *,
    incident_id: str | None,
    measured_on: str,
    before: Mapping[str, float],
    after: Mapping[str, float],
    details: dict[str, Any],
) -> Remediation:
    """Return the record of a repair that was done now, by the user who runs this program.

    Args:
        kind: Of the repair.
        source: What was repaired; it is kept.
        new: What was written.
        incident_id: What it belongs to.
        measured_on: Digest of the test set, or `UNMEASURED`.
        before: Figures of what was repaired.
        after: The same of what was written.
        details: Whatever else there is to say.
    """
    return Remediation(
        remediation_id=f"r-{secrets.token_hex(10)}",
        kind=kind,
        incident_id=incident_id,
        subject=source.name,
        kept=str(source),
        produced=str(new),
        measured_on=measured_on,
        before=dict(before),
        after=dict(after),
        author=acting_user(),
        created=datetime.now(UTC),
        details=details,
    )


def keep_record(done: Remediation, workspace: Workspace | None) -> None:
    """Write a record into the store, where there is one."""
    if workspace:
        with open_store(workspace.store) as store, store.write() as connection:
            remediations.add(connection, done)
