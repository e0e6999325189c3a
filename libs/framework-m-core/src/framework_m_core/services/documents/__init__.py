"""Documents: the service, their values, hooks, validation, links and names."""
