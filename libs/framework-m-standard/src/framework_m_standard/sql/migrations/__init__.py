"""Migrations by Alembic. The command line imports it when it is called; a process that serves never does."""
