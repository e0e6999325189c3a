"""How services run work: retries, shielding, injection and commit listeners."""
