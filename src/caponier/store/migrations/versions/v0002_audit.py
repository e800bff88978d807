"""The audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_GENESIS = "0" * 64

# They stop a mistaken statement, not an intruder, who may drop them: against that there is the hash chain.
_SQLITE = (
    """CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
       BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
    """CREATE TRIGGER audit_keeps_content BEFORE UPDATE ON audit
       BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
    # INSERT OR REPLACE deletes without firing the trigger on DELETE.
    """CREATE TRIGGER audit_only_grows BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
       BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
    """CREATE TRIGGER audit_keeps_head BEFORE DELETE ON audit_head
       BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
    """CREATE TRIGGER audit_counts_up BEFORE UPDATE ON audit_head WHEN NEW.length <> OLD.length + 1
       BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
)

_POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION caponier_append_only() RETURNS trigger LANGUAGE plpgsql
       AS $$ BEGIN RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
       END $$""",
    """CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
       FOR EACH STATEMENT EXECUTE FUNCTION caponier_append_only()""",
    """CREATE TRIGGER audit_keeps_head BEFORE DELETE OR TRUNCATE ON audit_head
       FOR EACH STATEMENT EXECUTE FUNCTION caponier_append_only()""",
    """CREATE TRIGGER audit_counts_up BEFORE UPDATE ON audit_head FOR EACH ROW
       WHEN (NEW.length <> OLD.length + 1) EXECUTE FUNCTION caponier_append_only()""",
)


def upgrade() -> None:
    """Create the log and its one-row head, and forbid changes to written rows."""
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_row")),
    )
    op.execute(f"INSERT INTO audit_head (id, length, hash) VALUES (1, 0, '{_GENESIS}')")  # noqa: S608
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
