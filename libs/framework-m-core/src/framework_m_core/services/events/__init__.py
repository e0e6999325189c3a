"""Event delivery: from the outbox to the bus, and from the bus to the handlers."""
