"""Tables, keys and column types, and the sync that creates them in development."""
