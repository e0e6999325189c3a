"""Migrations with Alembic. Imported only by the command line when needed, never by a serving process."""
