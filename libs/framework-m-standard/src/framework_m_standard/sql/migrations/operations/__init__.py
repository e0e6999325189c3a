"""What a revision calls, and how it is done on each database."""
