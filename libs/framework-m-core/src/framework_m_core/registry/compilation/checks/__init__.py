"""Checks of declarations; all errors are collected before any is reported."""
