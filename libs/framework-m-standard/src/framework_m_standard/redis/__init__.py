"""Redis: the shared client, the caches, sessions, login attempts and the event bus over streams."""
