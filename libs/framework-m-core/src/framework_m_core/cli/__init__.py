"""The `m` command."""
