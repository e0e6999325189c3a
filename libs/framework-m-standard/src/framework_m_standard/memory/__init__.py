"""The store in memory: for one process, without a database, and gone with it. For trials, tests and sandboxes."""
