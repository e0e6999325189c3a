"""Routes of apps and packages: found, checked, guarded, and given what they ask for."""
