"""SQL stores: SQLite and PostgreSQL. Statements are compiled by SQLAlchemy once and run on the drivers."""
