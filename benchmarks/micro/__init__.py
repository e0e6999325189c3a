"""Single steps of a request and of a start, each against the least that it could cost, in one process."""
