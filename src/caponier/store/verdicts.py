"""Verdicts in the store: the last one on each finding, and all of them in the audit log."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, RowMapping, delete, insert, select

from caponier.records.verdict import AnalystVerdict, VerdictKind
from caponier.store import audit
from caponier.store.tables import findings, verdicts


def put(connection: Connection, given: AnalystVerdict) -> None:
    """Write a verdict in place of an earlier one on the same finding, and note it in the audit log.

    Args:
        connection: From `Store.write`: both are committed together or not at all.
        given: The verdict.

    Raises:
        ValueError: If its time has no time zone.
    """
    if given.time.tzinfo is None:
        raise ValueError(f"the time of the verdict on {given.finding_id} has no time zone")
    details = {"verdict": given.judgement.value, "note": given.note}
    audit.append(connection, given.author, "finding.verdict", given.finding_id, details)
    connection.execute(delete(verdicts).where(verdicts.c.finding_id == given.finding_id))
    row = {
        "finding_id": given.finding_id,
        "verdict": given.judgement.value,
        "author": given.author,
        "time": given.time,
        "note": given.note,
    }
    connection.execute(insert(verdicts), [row])


def get(connection: Connection, finding_id: str) -> AnalystVerdict | None:
    """Return the last verdict on a finding, or None if there is none."""
    found = list(_read(connection.execute(select(verdicts).where(verdicts.c.finding_id == finding_id)).mappings()))
    return found[0] if found else None


def everything(connection: Connection) -> list[AnalystVerdict]:
    """Return the last verdict on each finding that has one, the last given first."""
    query = select(verdicts).order_by(verdicts.c.time.desc(), verdicts.c.finding_id)
    return list(_read(connection.execute(query).mappings()))


def by_detector(connection: Connection) -> Iterator[tuple[str, VerdictKind]]:
    """Yield the detector of each finding that has a verdict, and the verdict."""
    query = select(findings.c.detector, verdicts.c.verdict).join(
        verdicts, verdicts.c.finding_id == findings.c.finding_id
    )
    for detector, given in connection.execute(query):
        yield detector, VerdictKind(given)


def _read(rows: Iterable[RowMapping]) -> Iterator[AnalystVerdict]:
    for row in rows:
        yield AnalystVerdict(row["finding_id"], VerdictKind(row["verdict"]), row["author"], row["time"], row["note"])
