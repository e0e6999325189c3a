"""The store itself: tables, rows, transactions and the audit trail, behind the adapters."""
