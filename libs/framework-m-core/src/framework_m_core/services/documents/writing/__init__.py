"""Writing a document: one sequence of stages in a unit of work, run until it succeeds or fails for good."""
