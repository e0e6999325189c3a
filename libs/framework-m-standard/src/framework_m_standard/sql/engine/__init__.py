"""Database drivers: SQLite, PostgreSQL and MariaDB behind one protocol."""
