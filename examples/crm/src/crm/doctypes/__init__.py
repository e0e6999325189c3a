"""The documents of the CRM."""
