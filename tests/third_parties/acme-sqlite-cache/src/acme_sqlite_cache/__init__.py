"""A cache by somebody else that outlives its process, in a file of SQLite."""
