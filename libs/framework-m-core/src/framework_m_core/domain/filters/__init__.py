"""The filter tree and what is done with it."""
