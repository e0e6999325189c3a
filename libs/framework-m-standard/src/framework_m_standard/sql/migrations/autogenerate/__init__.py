"""Differences between DocTypes and a database, rendered as revisions."""
