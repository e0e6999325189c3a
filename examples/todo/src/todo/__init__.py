"""Todos in lists: the smallest app that has something of everything."""
