"""Queries: point reads, lists, cursors, projections and expansion."""
