"""Settings: their sources, checks, secrets and effective values."""
