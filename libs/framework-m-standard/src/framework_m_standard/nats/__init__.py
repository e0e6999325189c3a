"""NATS: the client, and the event bus over JetStream."""
