"""The schema of the database: what it is, how it differs from the DocTypes, and what changes it."""
