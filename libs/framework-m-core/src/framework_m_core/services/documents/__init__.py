"""Documents: the service, its write pipeline, hooks, validation and links."""
