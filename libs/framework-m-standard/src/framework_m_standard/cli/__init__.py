"""Commands of the standard distribution, one a file."""
