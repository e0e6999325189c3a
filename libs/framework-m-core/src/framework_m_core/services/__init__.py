"""Use cases, one noun per file; they take ports as arguments."""
