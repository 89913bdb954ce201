"""One script a revision, listed in ``schema.REVISIONS``."""
