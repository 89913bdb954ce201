"""Tables of the catalog (SQLAlchemy Core) and the numbers that name their version.

What the tables mean is written here; how they are created and brought up to date is in `upgrade`, who writes them in
`publish` and `sql`. Types and constraints are those that SQLite and PostgreSQL share.
"""

from __future__ import annotations

import sqlalchemy as sa

FORMAT = 1
"""Version of what the rows mean. Raised when an older LineageFlow would misread them; see ``meta.format``."""

REVISIONS = ("0001", "0002", "0003")
"""Alembic revisions, oldest first. Kept here too, so that opening an up-to-date catalog does not import Alembic."""

HEAD_REVISION = REVISIONS[-1]
VERSION_TABLE = "lineageflow_alembic_version"

LIVE, CONDEMNED = "live", "condemned"
"""States of a pack. gc condemns a pack first: from then on new commits may not rest on it; readers still may."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Ids are 32 random bytes: stored in the primary key's own tree (without a rowid beside it), a look-up is one descent.
_ID = sa.LargeBinary(32)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""``uuid``: the catalog's identity. ``format``: the `FORMAT` that the rows have."""

packs = sa.Table(
    "packs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("condemned_at", sa.BigInteger),
    sa.CheckConstraint(f"state IN ('{LIVE}', '{CONDEMNED}')", name="state"),
    sa.CheckConstraint(f"(state = '{CONDEMNED}') = (condemned_at IS NOT NULL)", name="condemned_at"),
    sqlite_autoincrement=True,
)
"""Files in the object store. ``condemned_at``: microseconds since 1970-01-01 UTC, null for live packs."""

objects = sa.Table(
    "objects",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("pack_id", sa.Integer, sa.ForeignKey("packs.id"), nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("length", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Where each object lies. An object that lies in several packs has one row: the first, as long as it is live."""

commits = sa.Table(
    "commits",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Index("ix_commits_generation_time", "generation", "time"),
    sqlite_with_rowid=False,
)
"""Commits. ``data`` is the commit's canonical encoding, of which ``id`` is the hash; ``time`` is copied out of it.

Walks read the index alone, a range of generations at a time: however large the commits are, it stays small.
"""

commit_texts = sa.Table(
    "commit_texts",
    metadata,
    sa.Column("commit_id", _ID, sa.ForeignKey("commits.id"), primary_key=True),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Texts of each commit as `log.folded` makes them, to search in: databases fold the case of ASCII at most.

A table of its own, so that a search need not read past the commits' data, which may be large.
"""

commit_parents = sa.Table(
    "commit_parents",
    metadata,
    sa.Column("commit_id", _ID, sa.ForeignKey("commits.id"), primary_key=True),
    sa.Column("position", sa.SmallInteger, primary_key=True),
    sa.Column("parent_id", _ID, sa.ForeignKey("commits.id"), nullable=False),
    sqlite_with_rowid=False,
)
"""Edges of the history; position 0 is the first parent."""

commit_datasets = sa.Table(
    "commit_datasets",
    metadata,
    sa.Column("commit_id", _ID, sa.ForeignKey("commits.id"), primary_key=True),
    sa.Column("dataset", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)
"""Datasets that a commit changed against its first parent."""

refs = sa.Table(
    "refs",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("commit_id", _ID, sa.ForeignKey("commits.id"), nullable=False),
    sa.Column("annotation", sa.Text),
    sa.CheckConstraint("kind IN ('branch', 'tag', 'hidden')", name="kind"),
    sqlite_with_rowid=False,
)
"""Names that point to commits. A branch without any commit has no row: it begins with its first commit.

``annotation`` is JSON, as in the journal; null where the ref has none.
"""

workspaces = sa.Table(
    "workspaces",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("branch", sa.Text, nullable=False),
    sa.Column("process", sa.Text, nullable=False, server_default=""),
    sa.Column("opened", sa.BigInteger),
    sqlite_with_rowid=False,
)
"""Notebooks and processes. ``name`` is the JSON list of user, host and path: ASCII, whatever bytes a path holds.

``process`` and ``opened`` (microseconds since 1970-01-01 UTC) say who opened it last, and when.
"""

bases = sa.Table(
    "bases",
    metadata,
    sa.Column("workspace", sa.Text, sa.ForeignKey("workspaces.id"), primary_key=True),
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("commit_id", _ID, sa.ForeignKey("commits.id"), nullable=False),
    sqlite_with_rowid=False,
)
"""HEAD of each workspace, next to its branch: the commit that a dataset was last read from or committed at."""

operations = sa.Table(
    "operations",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("operation", sa.Text, nullable=False, unique=True),
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("workspace", sa.Text, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("refs", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("head", sa.Text),
    sa.Column("renamed", sa.Text),
    sa.Index("ix_operations_workspace_sequence", "workspace", "sequence"),
    sqlite_autoincrement=True,
)
"""The operation log. ``refs``, ``detail``, ``head`` and ``renamed`` are JSON, as in the journal."""

reflog = sa.Table(
    "reflog",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("workspace", sa.Text, primary_key=True),
    sa.Column("sequence", sa.Integer, sa.ForeignKey("operations.sequence"), primary_key=True),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("before", _ID),
    sa.Column("after", _ID),
    sa.Column("branch", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Where refs pointed over time, and HEADs: ``name`` is then ``HEAD`` and ``workspace`` whose, else it is empty.

In the order of the key, one ref's moves lie side by side. ``before`` and ``after`` may outlive the commits they name.
"""

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("sequence", sa.Integer, sa.ForeignKey("operations.sequence"), primary_key=True, autoincrement=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
"""Journal entries that are not yet known to be in the object store."""

cell_runs = sa.Table(
    "cell_runs",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("run", sa.Text, nullable=False, unique=True),
    sa.Column("workspace", sa.Text, nullable=False),
    sa.Column("notebook", sa.Text, nullable=False),
    sa.Column("cell", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Index("ix_cell_runs_workspace_sequence", "workspace", "sequence"),
    sa.Index("ix_cell_runs_notebook_sequence", "notebook", "sequence"),
    sa.Index("ix_cell_runs_cell_sequence", "cell", "sequence"),
    sqlite_autoincrement=True,
)
"""Runs of notebook cells. ``data`` is all of a run as JSON, as in the journal; the other columns are looked up.

``version`` counts from 1, one more for each amendment. Names are spelled as `cell_journal.spelled` does it.
"""

cell_tables = sa.Table(
    "cell_tables",
    metadata,
    sa.Column("sequence", sa.Integer, sa.ForeignKey("cell_runs.sequence"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("use", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("table_id", _ID),
    sa.CheckConstraint("use IN ('read', 'before', 'after')", name="use"),
    sa.Index("ix_cell_tables_dataset_sequence", "dataset", "sequence"),
    sa.Index("ix_cell_tables_table_id_sequence", "table_id", "sequence"),
    sqlite_with_rowid=False,
)
"""Which tables runs read, and held before and after in what they wrote; ids may outlive the tables they name."""

cell_outbox = sa.Table(
    "cell_outbox",
    metadata,
    sa.Column("sequence", sa.Integer, sa.ForeignKey("cell_runs.sequence"), primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
)
"""Cell runs whose latest version is not yet known to be in the journal."""

environments = sa.Table(
    "environments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("journaled", sa.SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""What runs ran in, each once. ``journaled``: 1 where it is known to be in the journal, else 0."""
