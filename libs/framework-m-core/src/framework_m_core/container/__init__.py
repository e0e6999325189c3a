"""The dependency-injection container, by dependency-injector: what lives as long as the app."""
