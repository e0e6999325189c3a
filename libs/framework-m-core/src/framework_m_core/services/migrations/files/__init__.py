"""The revision and patch files of an app: read in their order, and written."""
