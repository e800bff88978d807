"""Trials in the store: those of one validation are written together, with one row in the audit log."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from caponier.records.trial import Trial
from caponier.store import audit
from caponier.store.tables import trials


def add(connection: Connection, run_id: str, recorded: Sequence[Trial], actor: str) -> None:
    """Write the trials of a validation, and note it in the audit log.

    Args:
        connection: From `Store.write`: all is committed together or not at all.
        run_id: The validation.
        recorded: Its trials, passed or not.
        actor: Who validated.

    Raises:
        ValueError: If a time has no time zone, or figures are not JSON.
    """
    for trial in recorded:
        if trial.time.tzinfo is None:
            raise ValueError(f"the time of trial {trial.trial_id} has no time zone")
    documents = [trial.to_dict() for trial in recorded]
    # The digest of all documents is hashed into the chain: nobody can improve a trial afterwards without being seen.
    details = {
        "trials": len(recorded),
        "passed": sum(trial.passed for trial in recorded),
        "missed": sorted({f"{trial.detector}/{trial.emulation}" for trial in recorded if trial.missed}),
        "noisy": sorted({f"{trial.detector}/{trial.emulation}" for trial in recorded if not trial.control_silent}),
        "versions": sorted({trial.caponier_version for trial in recorded}),
        "sha256": hashlib.sha256(audit.canonical(documents).encode()).hexdigest(),
    }
    audit.append(connection, actor, "validation.recorded", run_id, details)
    rows = [
        {
            "trial_id": trial.trial_id,
            "run_id": run_id,
            "detector": trial.detector,
            "emulation": trial.emulation,
            "caponier_version": trial.caponier_version,
            "time": trial.time,
            "document": document,
        }
        for trial, document in zip(recorded, documents, strict=True)
    ]
    if rows:
        connection.execute(insert(trials), rows)


def search(connection: Connection, *, version: str | None = None, detector: str | None = None) -> list[Trial]:
    """Return trials, the newest first.

    Args:
        connection: From `Store.read`.
        version: On this version of Caponier only.
        detector: Only from this detector.
    """
    query = select(trials.c.document).order_by(trials.c.time.desc(), trials.c.trial_id)
    if version is not None:
        query = query.where(trials.c.caponier_version == version)
    if detector is not None:
        query = query.where(trials.c.detector == detector)
    return [Trial.from_dict(document) for document in connection.scalars(query)]
