"""Developer tools of Framework M that write code and settings. Nothing in production imports this package."""
