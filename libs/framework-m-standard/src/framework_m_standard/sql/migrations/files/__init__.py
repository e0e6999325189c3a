"""Revision and patch files of an app, and their order."""
