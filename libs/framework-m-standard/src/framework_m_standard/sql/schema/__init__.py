"""Tables, keys and column types, and the sync that creates the tables in development."""
