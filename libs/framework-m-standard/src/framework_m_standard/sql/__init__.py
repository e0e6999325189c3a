"""SQL stores: SQLite and PostgreSQL. SQLAlchemy compiles each statement once; the drivers run it."""
