"""Commands of the studio distribution, one group a file."""
