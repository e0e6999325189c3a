"""Routes beside documents: identity, health, metadata, calls and the start page."""
