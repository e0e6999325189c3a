"""The storage engine behind the adapters: tables, rows, transactions and the audit trail."""
