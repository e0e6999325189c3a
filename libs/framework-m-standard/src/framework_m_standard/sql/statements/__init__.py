"""SQL text compiled once, with its parameters, row codecs and filters."""
