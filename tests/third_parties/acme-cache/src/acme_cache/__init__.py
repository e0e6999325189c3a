"""A cache by somebody else, which counts what it is asked for."""
