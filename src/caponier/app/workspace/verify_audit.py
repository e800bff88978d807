"""Read the audit log, and check that it is whole."""

import re
from typing import Final

from caponier.errors import InputError
from caponier.records.inventory import Workspace
from caponier.store import audit
from caponier.store.audit import AuditHead
from caponier.store.audit import AuditRow as AuditRow
from caponier.store.audit import ChainReport as ChainReport
from caponier.store.database import open_store

_HEAD: Final = re.compile(r"(\d{1,12}):([0-9a-f]{64})")


def verify_audit(workspace: Workspace, *, noted: str | None = None) -> ChainReport:
    """Walk the whole audit log.

    Args:
        workspace: Whose store it is.
        noted: A head that was kept outside the store, as `COUNT:HASH`.

    Raises:
        InputError: If the noted head is none.
    """
    known = parse_head(noted) if noted is not None else None
    with open_store(workspace.store) as store, store.read() as connection:
        return audit.verify(connection, known)


def list_audit(workspace: Workspace, *, limit: int = 100, offset: int = 0) -> list[AuditRow]:
    """Return rows of the audit log, the last first."""
    with open_store(workspace.store) as store, store.read() as connection:
        return audit.rows(connection, limit=limit, offset=offset)


def parse_head(text: str) -> AuditHead:
    """Read a head as `verify_audit` prints it.

    Raises:
        InputError: If it is none.
    """
    written = _HEAD.fullmatch(text.strip().lower())
    if written is None:
        raise InputError(
            "this is not a head of an audit log",
            where=text,
            hint="Write it as caponier audit verify printed it: the number of rows, a colon and 64 digits.",
        )
    return AuditHead(int(written[1]), written[2])
