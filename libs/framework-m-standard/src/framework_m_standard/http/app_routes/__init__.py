"""Routes of apps and packages: discovery, checks, guards and injection."""
