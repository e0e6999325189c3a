"""SQL statements compiled once to text, with their parameters, row codecs and filters."""
