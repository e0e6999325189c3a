"""Event types and consumers of events, compiled from what apps declare."""
