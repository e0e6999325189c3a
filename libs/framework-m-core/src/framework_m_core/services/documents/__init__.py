"""Writes: one service, its pipeline, hooks, validation and links."""
