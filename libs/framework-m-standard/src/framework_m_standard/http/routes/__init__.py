"""Routes other than those for documents: identity, health, metadata, calls and the start page."""
