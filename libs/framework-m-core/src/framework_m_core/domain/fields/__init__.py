"""What a field declares: its kind, keywords, bounds and default."""
