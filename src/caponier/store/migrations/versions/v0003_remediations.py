"""Remediations."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of remediations."""
    op.create_table(
        "remediations",
        sa.Column("remediation_id", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text()),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
    )
    for column in ("kind", "incident_id", "created"):
        op.create_index(f"ix_remediations_{column}", "remediations", [column])
