"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "commits",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commits")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "operations",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("refs", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_operations")),
        sa.UniqueConstraint("operation", name=op.f("uq_operations_operation")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "packs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("condemned_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(state = 'condemned') = (condemned_at IS NOT NULL)", name=op.f("ck_packs_condemned_at")),
        sa.CheckConstraint("state IN ('live', 'condemned')", name=op.f("ck_packs_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packs")),
        sa.UniqueConstraint("name", name=op.f("uq_packs_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("name", name=op.f("uq_workspaces_name")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bases",
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("commit_id", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["commit_id"], ["commits.id"], name=op.f("fk_bases_commit_id_commits")),
        sa.ForeignKeyConstraint(["workspace"], ["workspaces.id"], name=op.f("fk_bases_workspace_workspaces")),
        sa.PrimaryKeyConstraint("workspace", "dataset", name=op.f("pk_bases")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "commit_datasets",
        sa.Column("commit_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["commit_id"], ["commits.id"], name=op.f("fk_commit_datasets_commit_id_commits")),
        sa.PrimaryKeyConstraint("commit_id", "dataset", name=op.f("pk_commit_datasets")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "commit_parents",
        sa.Column("commit_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("parent_id", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["commit_id"], ["commits.id"], name=op.f("fk_commit_parents_commit_id_commits")),
        sa.ForeignKeyConstraint(["parent_id"], ["commits.id"], name=op.f("fk_commit_parents_parent_id_commits")),
        sa.PrimaryKeyConstraint("commit_id", "position", name=op.f("pk_commit_parents")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "objects",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("pack_id", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["pack_id"], ["packs.id"], name=op.f("fk_objects_pack_id_packs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objects")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["sequence"], ["operations.sequence"], name=op.f("fk_outbox_sequence_operations")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_outbox")),
    )
    op.create_table(
        "refs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("commit_id", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("kind IN ('branch', 'tag', 'hidden')", name=op.f("ck_refs_kind")),
        sa.ForeignKeyConstraint(["commit_id"], ["commits.id"], name=op.f("fk_refs_commit_id_commits")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_refs")),
        sqlite_with_rowid=False,
    )
