"""What is read of a document: the fields that a caller is served, prepared reads, and their sizes."""
