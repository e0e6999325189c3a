"""MariaDB through asyncmy: driver, dialect, column types and errors."""
