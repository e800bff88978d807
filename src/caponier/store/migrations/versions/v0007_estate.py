"""What is usual in an estate, what correlations wait for, and what was suppressed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of habits, of waiting events and of suppressions."""
    op.create_table(
        "habits",
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("who", sa.Text(), primary_key=True),
        sa.Column("what", sa.Text(), primary_key=True),
        sa.Column("days", sa.JSON(), nullable=False),
    )
    op.create_table(
        "waiting_events",
        sa.Column("event_id", sa.Text(), primary_key=True),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
    )
    op.create_table(
        "suppressions",
        sa.Column("suppression_id", sa.Text(), primary_key=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
    )
    op.create_index("ix_suppressions_expires", "suppressions", ["expires"])
