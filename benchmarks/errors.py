"""Errors that end a benchmark run, or one contender's part in it."""

from __future__ import annotations

__all__ = ["BenchmarkError", "CheckFailedError", "NotRunError"]


class BenchmarkError(Exception):
    """The run cannot go on; the message says what is missing and how to mend it."""


class CheckFailedError(BenchmarkError):
    """A contender answered wrongly or incompletely, so that its figures mean nothing."""


class NotRunError(Exception):
    """This contender or figure cannot be measured here; the report prints it as not run."""
