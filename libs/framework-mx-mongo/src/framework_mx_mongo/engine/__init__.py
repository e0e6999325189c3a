"""The connection to MongoDB: client, transactions, translation of errors."""
