"""The ports: one protocol a file, with its data types."""
