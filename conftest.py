"""Fixtures that every suite of the workspace may ask for."""

pytest_plugins = ("tests.servers",)
