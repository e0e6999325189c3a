"""The npm packages of `frontend`, built, and run against the CRM as it is served."""
