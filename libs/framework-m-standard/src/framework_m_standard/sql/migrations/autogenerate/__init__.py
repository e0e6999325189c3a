"""Differences between the DocTypes and a database, rendered as revisions."""
