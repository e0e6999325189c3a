"""Metadata and JSON Schema of DocTypes, reduced to what a caller may see."""
