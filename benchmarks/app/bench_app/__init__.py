"""The DocTypes that the benchmark measures."""

from . import doctypes

__all__ = ["doctypes"]
