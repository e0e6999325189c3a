"""Nouns of the framework: pure values, no I/O."""
