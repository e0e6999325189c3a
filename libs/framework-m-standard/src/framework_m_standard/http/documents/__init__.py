"""Document routes: dispatch, actions, parameters, ETags and idempotency keys."""
