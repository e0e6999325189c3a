"""The operations that revisions call, and their implementation on each database."""
