"""What callers prove themselves by: passwords, tokens, session secrets, and the CSRF token beside a cookie."""
