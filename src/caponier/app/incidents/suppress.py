"""Suppress findings for a reason and until a day, and keep back those that are suppressed."""

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from caponier.app.incidents.findings import list_findings, show_finding
from caponier.app.workspace.workspace import acting_user
from caponier.errors import InputError
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from caponier.records.suppression import Suppression
from caponier.store import suppressions
from caponier.store.database import open_store

LONGEST: Final = timedelta(days=366)


def suppress(
    workspace: Workspace,
    *,
    reason: str,
    lasts: timedelta,
    detector: str | None = None,
    subject: str | None = None,
    target: str | None = None,
    system: str | None = None,
    now: datetime | None = None,
    actor: str | None = None,
) -> Suppression:
    """Suppress findings from now on; those that are in the store stay there.

    Args:
        workspace: Whose store it is.
        reason: The reason, for whoever reads it later.
        lasts: How long; at most 366 days.
        detector: Of this detector, such as `sigma:workload_exec`; `*` and `?` are wildcards here and below.
        subject: By this account, address ….
        target: On this target, such as `bucket ml-models`.
        system: On this ML system.
        now: When it begins; the present by default.
        actor: Who suppresses; the user who runs this program by default.

    Raises:
        InputError: If it names nothing, gives no reason, or never ends.
    """
    if all(name is None or not name.strip("*? ") for name in (detector, subject, target)):
        raise InputError(
            "this would suppress every finding",
            hint="Name a detector, a subject or a target, such as --target 'host gpu-01'.",
        )
    if not reason.strip():
        raise InputError("a suppression needs a reason", hint="Say why with --reason.")
    if not timedelta(0) < lasts <= LONGEST:
        raise InputError("a suppression lasts at least a moment and at most 366 days", hint="Say how long: --for 30d.")
    begun = now or datetime.now(UTC)
    made = Suppression(
        f"s-{secrets.token_hex(6)}",
        reason.strip(),
        actor or acting_user(),
        begun,
        begun + lasts,
        detector,
        subject,
        target,
        system,
    )
    with open_store(workspace.store) as store, store.write() as connection:
        suppressions.add(connection, made)
    return made


def like(workspace: Workspace, finding_id: str) -> dict[str, str | None]:
    """Return the scope of a finding, to suppress others like it: detector, subject, system, and target if it has one.

    Raises:
        InputError: If there is no such finding.
    """
    found = show_finding(workspace, finding_id)
    targets = [str(name) for name in found.evidence.facts.get("targets") or ()]
    return {
        "detector": found.detector,
        "subject": found.subject.id,
        "target": targets[0] if len(targets) == 1 else None,
        "system": found.system,
    }


def fitting(workspace: Workspace, made: Suppression) -> tuple[int, int]:
    """Return how many of the findings in the store a suppression fits, and how many there are."""
    found = list_findings(workspace)
    return sum(made.fits(finding) for finding in found), len(found)


def list_suppressions(workspace: Workspace) -> list[tuple[Suppression, int]]:
    """Return every suppression and how many findings it kept back, the newest first."""
    with open_store(workspace.store) as store, store.read() as connection:
        return suppressions.all_with_hits(connection)


def end_suppression(workspace: Workspace, id_: str, *, now: datetime | None = None, actor: str | None = None) -> None:
    """End a suppression.

    Raises:
        InputError: If there is none with this id that holds.
    """
    with open_store(workspace.store) as store, store.write() as connection:
        if not suppressions.end(connection, id_, now or datetime.now(UTC), actor or acting_user()):
            raise InputError(
                "there is no such suppression that holds",
                where=id_,
                hint="List them with: caponier findings suppressions",
            )


def keep_back(
    workspace: Workspace, found: Sequence[Finding], *, now: datetime | None = None, actor: str | None = None
) -> tuple[list[Finding], dict[str, int]]:
    """Part findings into those to tell and those that are suppressed, which are counted.

    Returns:
        The findings to tell, and how many each suppression kept back, by its id.
    """
    with open_store(workspace.store) as store, store.read() as connection:
        holding = suppressions.live(connection, now or datetime.now(UTC))
    told: list[Finding] = []
    hits: Counter[str] = Counter()
    for finding in found:
        by = next((one for one in holding if one.fits(finding)), None)
        if by is None:
            told.append(finding)
        else:
            hits[by.suppression_id] += 1
    if hits:
        with open_store(workspace.store) as store, store.write() as connection:
            suppressions.count(connection, hits, actor or acting_user())
    return told, dict(hits)
