"""Runs of notebook cells, the tables they read and wrote, and what they ran in. Nothing that is there is changed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "cell_runs",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("notebook", sa.Text(), nullable=False),
        sa.Column("cell", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_cell_runs")),
        sa.UniqueConstraint("run", name=op.f("uq_cell_runs_run")),
        sqlite_autoincrement=True,
    )
    for column in ("workspace", "notebook", "cell"):
        op.create_index(f"ix_cell_runs_{column}_sequence", "cell_runs", [column, "sequence"])
    op.create_table(
        "cell_tables",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("use", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("table_id", sa.LargeBinary(length=32), nullable=True),
        sa.CheckConstraint("use IN ('read', 'before', 'after')", name=op.f("ck_cell_tables_use")),
        sa.ForeignKeyConstraint(["sequence"], ["cell_runs.sequence"], name=op.f("fk_cell_tables_sequence_cell_runs")),
        sa.PrimaryKeyConstraint("sequence", "position", name=op.f("pk_cell_tables")),
        sqlite_with_rowid=False,
    )
    for column in ("dataset", "table_id"):
        op.create_index(f"ix_cell_tables_{column}_sequence", "cell_tables", [column, "sequence"])
    op.create_table(
        "cell_outbox",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["sequence"], ["cell_runs.sequence"], name=op.f("fk_cell_outbox_sequence_cell_runs")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_cell_outbox")),
    )
    op.create_table(
        "environments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("journaled", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environments")),
        sqlite_with_rowid=False,
    )
