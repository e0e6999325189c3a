"""Metadata and JSON Schema of DocTypes, cut to what a caller may see."""
