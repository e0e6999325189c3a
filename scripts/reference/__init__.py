"""Generators of the pages under docs/reference: `make reference` writes them, a test compares."""
