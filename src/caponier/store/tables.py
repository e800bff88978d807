"""The tables as the newest migration leaves them; a test keeps the two in step."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """A moment with microseconds, always UTC: SQLite has no time zones, so a local time would sort wrongly."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any moment into UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back what SQLite lost: that the moment is UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata: Final = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s"}
)

findings: Final = Table(
    "findings",
    metadata,
    Column("finding_id", Text, primary_key=True),
    Column("detector", Text, nullable=False, index=True),
    Column("model", Text, index=True),
    Column("system", Text, index=True),
    Column("severity", Text, nullable=False, index=True),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False, index=True),
    Column("first_time", UtcTime, nullable=False, index=True),
    Column("last_time", UtcTime, nullable=False, index=True),
    # The columns above are only for searching: the document is the finding.
    Column("document", JSON, nullable=False),
    Column("first_seen_at", UtcTime, nullable=False),
)

incidents: Final = Table(
    "incidents",
    metadata,
    Column("incident_id", Text, primary_key=True),
    Column("stage", Text, nullable=False, index=True),
    Column("strategy", Text, nullable=False, index=True),
    Column("severity", Text, nullable=False, index=True),
    Column("owner", Text, index=True),
    Column("first_time", UtcTime, nullable=False),
    Column("last_time", UtcTime, nullable=False, index=True),
    Column("document", JSON, nullable=False),
)

incident_findings: Final = Table(
    "incident_findings",
    metadata,
    # A finding is in one incident at a time.
    Column("finding_id", Text, primary_key=True),
    Column("incident_id", Text, nullable=False, index=True),
)

incident_merges: Final = Table(
    "incident_merges",
    metadata,
    Column("merged_id", Text, primary_key=True),
    Column("incident_id", Text, nullable=False, index=True),
)

context: Final = Table(
    "context",
    metadata,
    Column("event_id", Text, primary_key=True),
    # Two rules may match one event.
    Column("rule", Text, primary_key=True),
    Column("time", UtcTime, nullable=False, index=True),
    Column("account", Text, index=True),
    Column("host", Text, index=True),
    Column("address", Text, index=True),
    Column("incident_id", Text, index=True),
    # False until a correlation has looked at it.
    Column("considered", Boolean, nullable=False, index=True),
    Column("document", JSON, nullable=False),
)

response_actions: Final = Table(
    "response_actions",
    metadata,
    Column("action_id", Text, primary_key=True),
    Column("incident_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("created", UtcTime, nullable=False),
    Column("expires", UtcTime, nullable=False),
    Column("document", JSON, nullable=False),
)

response_revision: Final = Table(
    "response_revision",
    metadata,
    # One row, which every change of an action counts up: a guard that polls reads this number and nothing else.
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
)

remediations: Final = Table(
    "remediations",
    metadata,
    Column("remediation_id", Text, primary_key=True),
    Column("kind", Text, nullable=False, index=True),
    Column("incident_id", Text, index=True),
    Column("created", UtcTime, nullable=False, index=True),
    Column("document", JSON, nullable=False),
)

trials: Final = Table(
    "trials",
    metadata,
    Column("trial_id", Text, primary_key=True),
    Column("run_id", Text, nullable=False, index=True),
    Column("detector", Text, nullable=False, index=True),
    Column("emulation", Text, nullable=False),
    Column("caponier_version", Text, nullable=False, index=True),
    Column("time", UtcTime, nullable=False, index=True),
    Column("document", JSON, nullable=False),
)

verdicts: Final = Table(
    "verdicts",
    metadata,
    # The last word counts; the audit log holds all of them.
    Column("finding_id", Text, primary_key=True),
    Column("verdict", Text, nullable=False, index=True),
    Column("author", Text, nullable=False),
    Column("time", UtcTime, nullable=False, index=True),
    Column("note", Text, nullable=False),
)

habits: Final = Table(
    "habits",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("who", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    # Days since 1970.
    Column("days", JSON, nullable=False),
)

waiting_events: Final = Table(
    "waiting_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    # Microseconds since 1970.
    Column("time", BigInteger, nullable=False),
    Column("document", JSON, nullable=False),
)

suppressions: Final = Table(
    "suppressions",
    metadata,
    Column("suppression_id", Text, primary_key=True),
    Column("created", UtcTime, nullable=False),
    Column("expires", UtcTime, nullable=False, index=True),
    # Findings that it has kept back.
    Column("hits", Integer, nullable=False),
    Column("document", JSON, nullable=False),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    # Time and details are text, exactly as hashed: a database that normalised them would break the chain.
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

audit_head: Final = Table(
    "audit_head",
    metadata,
    # One row only: the lock that writers queue for, and the witness of the log's length.
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("length", Integer, nullable=False),
    Column("hash", Text, nullable=False),
)
