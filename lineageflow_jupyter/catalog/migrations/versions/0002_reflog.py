"""Reflogs, texts to search in, annotated tags, who opened a workspace, and indexes for long histories."""

import json

import sqlalchemy as sa
from alembic import op

from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.model.objects import decode_commit

revision = "0002"
down_revision = "0001"

BATCH = 1000


def upgrade() -> None:
    """Add the tables, columns and indexes, and fill what old rows tell."""
    op.add_column("refs", sa.Column("annotation", sa.Text(), nullable=True))
    op.add_column("operations", sa.Column("head", sa.Text(), nullable=True))
    op.add_column("operations", sa.Column("renamed", sa.Text(), nullable=True))
    op.add_column("workspaces", sa.Column("process", sa.Text(), server_default="", nullable=False))
    op.add_column("workspaces", sa.Column("opened", sa.BigInteger(), nullable=True))
    op.create_index("ix_operations_workspace_sequence", "operations", ["workspace", "sequence"])
    op.create_index("ix_commits_generation_time", "commits", ["generation", "time"])
    texts = op.create_table(
        "commit_texts",
        sa.Column("commit_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["commit_id"], ["commits.id"], name=op.f("fk_commit_texts_commit_id_commits")),
        sa.PrimaryKeyConstraint("commit_id", name=op.f("pk_commit_texts")),
        sqlite_with_rowid=False,
    )
    reflog = op.create_table(
        "reflog",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.LargeBinary(length=32), nullable=True),
        sa.Column("after", sa.LargeBinary(length=32), nullable=True),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["sequence"], ["operations.sequence"], name=op.f("fk_reflog_sequence_operations")),
        sa.PrimaryKeyConstraint("name", "workspace", "sequence", name=op.f("pk_reflog")),
        sqlite_with_rowid=False,
    )
    fill_texts(texts)
    fill_reflog(reflog)


def fill_texts(texts: sa.Table) -> None:
    """Copy authors and messages out of the commits; a damaged one stays as it is, and is reported when it is read."""
    connection = op.get_bind()
    commits = sa.table("commits", sa.column("id"), sa.column("data"))
    last = b""
    while rows := connection.execute(
        sa.select(commits.c.id, commits.c.data).where(commits.c.id > last).order_by(commits.c.id).limit(BATCH)
    ).all():
        last = rows[-1].id
        found = []
        for oid, data in rows:
            try:
                commit = decode_commit(data)
            except CorruptData:
                continue
            words = (commit.author.name, commit.author.email, commit.message)
            author, email, message = (text.casefold().replace("\0", "\ufffd") for text in words)
            found.append({"commit_id": oid, "author": author, "email": email, "message": message})
        if found:
            connection.execute(sa.insert(texts), found)


def fill_reflog(reflog: sa.Table) -> None:
    """Tell from the operation log where refs pointed. A commit was made on the branch that HEAD was on, as a rule."""
    connection = op.get_bind()
    names = ("sequence", "verb", "workspace", "time", "refs")
    operations = sa.table("operations", *(sa.column(name) for name in names))
    workspaces = sa.table("workspaces", sa.column("id"))
    known = set(connection.execute(sa.select(workspaces.c.id)).scalars())
    last = 0
    while rows := connection.execute(
        sa.select(*operations.c).where(operations.c.sequence > last).order_by(operations.c.sequence).limit(BATCH)
    ).all():
        last = rows[-1].sequence
        found = []
        for row in rows:
            for change in json.loads(row.refs):
                before, after = (text and bytes.fromhex(text) for text in (change["before"], change["after"]))
                if before == after:
                    continue
                move = {"sequence": row.sequence, "time": row.time, "before": before, "after": after}
                found.append({"name": change["name"], "workspace": "", "branch": "", **move})
                if row.verb == "commit" and change["kind"] == "branch" and row.workspace in known:
                    found.append({"name": "HEAD", "workspace": row.workspace, "branch": change["name"], **move})
        if found:
            connection.execute(sa.insert(reflog), found)
