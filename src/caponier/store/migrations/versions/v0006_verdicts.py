"""Verdicts of analysts."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of verdicts."""
    op.create_table(
        "verdicts",
        sa.Column("finding_id", sa.Text(), primary_key=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
    )
    for column in ("verdict", "time"):
        op.create_index(f"ix_verdicts_{column}", "verdicts", [column])
