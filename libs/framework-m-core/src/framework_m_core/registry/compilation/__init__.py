"""From declared classes to a registry, or to the list of all their errors."""
