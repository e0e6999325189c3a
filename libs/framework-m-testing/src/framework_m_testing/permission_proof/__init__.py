"""Permissions by the book: random declarations, documents and requests, and what architecture section 5 answers."""
