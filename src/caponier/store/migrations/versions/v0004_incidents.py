"""Incidents, silent context and response actions."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INDEXED = {
    "incidents": ("stage", "strategy", "severity", "owner", "last_time"),
    "incident_findings": ("incident_id",),
    "incident_merges": ("incident_id",),
    "context": ("time", "account", "host", "address", "incident_id", "considered"),
    "response_actions": ("incident_id", "state"),
}


def upgrade() -> None:
    """Create the tables, and the one row that counts changes of response actions."""
    _create_incidents()
    _create_context()
    _create_response()
    for table, columns in _INDEXED.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.Text(), primary_key=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("first_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
    )
    for table, key in (("incident_findings", "finding_id"), ("incident_merges", "merged_id")):
        op.create_table(
            table,
            sa.Column(key, sa.Text(), primary_key=True),
            sa.Column("incident_id", sa.Text(), nullable=False),
        )


def _create_context() -> None:
    op.create_table(
        "context",
        sa.Column("event_id", sa.Text(), primary_key=True),
        sa.Column("rule", sa.Text(), primary_key=True),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account", sa.Text()),
        sa.Column("host", sa.Text()),
        sa.Column("address", sa.Text()),
        sa.Column("incident_id", sa.Text()),
        sa.Column("considered", sa.Boolean(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
    )


def _create_response() -> None:
    op.create_table(
        "response_actions",
        sa.Column("action_id", sa.Text(), primary_key=True),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
    )
    op.create_table(
        "response_revision",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_response_revision_one_row")),
    )
    op.execute("INSERT INTO response_revision (id, revision) VALUES (1, 0)")
