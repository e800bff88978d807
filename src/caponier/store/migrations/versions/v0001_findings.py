"""Findings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SEARCHED = ("detector", "model", "system", "severity", "subject_id", "first_time", "last_time")


def upgrade() -> None:
    """Create the table of findings."""
    op.create_table(
        "findings",
        sa.Column("finding_id", sa.Text(), primary_key=True),
        sa.Column("detector", sa.Text(), nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("system", sa.Text()),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("first_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    for column in _SEARCHED:
        op.create_index(f"ix_findings_{column}", "findings", [column])
