"""Log records with context, by structlog: readable lines in development, JSON lines in production."""
