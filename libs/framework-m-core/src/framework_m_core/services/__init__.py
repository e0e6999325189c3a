"""Use cases, one noun a file; they take ports as arguments."""
