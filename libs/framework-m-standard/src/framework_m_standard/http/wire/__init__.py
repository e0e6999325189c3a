"""Conversion between bytes and values: paths, bodies, credentials, responses and errors."""
