"""Alembic scripts that bring older catalogs up to date; nothing here is imported unless one is needed."""
