"""Routes for documents: dispatch, actions, parameters, tags and idempotency keys."""
