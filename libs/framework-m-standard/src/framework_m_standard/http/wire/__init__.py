"""Between bytes and values: paths, bodies, credentials, responses and errors."""
