"""Credentials of callers: passwords, tokens, session secrets, and the CSRF token that accompanies a cookie."""
