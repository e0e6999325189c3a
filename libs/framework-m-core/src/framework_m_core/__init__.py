"""Framework M core: domain, ports, services and composition, with no adapter."""
