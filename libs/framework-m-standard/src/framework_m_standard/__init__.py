"""The standard adapters of Framework M, one folder per technology."""
