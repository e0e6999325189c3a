"""Installed packages: entry points, bindings, ports, overrides and app modules."""
