"""ASGI layers around the whole app."""
