"""Authentication and role permissions: passwords, tokens, sessions, roles. Vendors: argon2-cffi and PyJWT."""
