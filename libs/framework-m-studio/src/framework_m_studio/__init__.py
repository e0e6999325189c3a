"""Developer tools of Framework M: what writes code and settings. Nothing in production imports it."""
