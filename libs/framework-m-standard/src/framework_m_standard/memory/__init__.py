"""The in-memory store: for one process, lost when it ends. For trials, tests and sandboxes."""
