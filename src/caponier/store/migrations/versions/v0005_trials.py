"""Trials."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of trials."""
    op.create_table(
        "trials",
        sa.Column("trial_id", sa.Text(), primary_key=True),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("detector", sa.Text(), nullable=False),
        sa.Column("emulation", sa.Text(), nullable=False),
        sa.Column("caponier_version", sa.Text(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
    )
    for column in ("run_id", "detector", "caponier_version", "time"):
        op.create_index(f"ix_trials_{column}", "trials", [column])
