"""The dependency-injection container: what lives as long as the app."""
